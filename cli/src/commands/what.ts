import { Argument } from 'commander';
import { RUNNABLES } from '../instance/instance.ts';

/** The argument of commands that signal what runs. */
export const whatArgument = (): Argument => new Argument('[what]', 'the whole system, or a service that was started by itself').choices(RUNNABLES).default('system');
