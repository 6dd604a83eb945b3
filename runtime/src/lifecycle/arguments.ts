import { parseArgs } from 'node:util';
import { ReelayError, toError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';

/** What was written behind the program's name makes no sense. */
class ArgumentsInvalid extends ReelayError {
  readonly code = 'arguments_invalid';
  override readonly serviceExit = EXIT_CODES.configuration;
}

export interface ServiceArguments {
  /** Run in the background. */
  detach: boolean;
  logFile: string | undefined;
}

/** The arguments of every service. @throws ArgumentsInvalid */
export function parseServiceArguments(argv: readonly string[]): ServiceArguments {
  try {
    const { values } = parseArgs({ args: [...argv], options: { detach: { type: 'boolean', default: false }, 'log-file': { type: 'string' } }, strict: true, allowPositionals: false });
    return { detach: values.detach, logFile: values['log-file'] };
  } catch (thrown) {
    const reason = toError(thrown).message.split('. ')[0] ?? '';
    throw new ArgumentsInvalid(`${reason}; it takes --detach and --log-file PATH, everything else is a setting`, {}, thrown);
  }
}
