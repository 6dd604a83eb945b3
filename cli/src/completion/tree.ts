/** The command tree as completion needs it: what may stand where. */
import type { Command, Option } from 'commander';

export interface OptionWords {
  /** `-f`, `--follow`. */
  flags: string[];
  description: string;
  /** Null: it takes no value. */
  value: ValueWords | null;
}

export interface ValueWords {
  choices: readonly string[];
  /** Several of the choices, separated by commas. */
  isList: boolean;
  isFile: boolean;
}

export interface CommandWords {
  /** Words after `reelay`: `['jobs', 'ls']`. */
  path: string[];
  /** Names and aliases of what may follow. */
  subcommands: { name: string; description: string }[];
  /** Its own, and those of the whole command line. */
  options: OptionWords[];
  /** Of its arguments, in order; the last one may stand for more. */
  arguments: ValueWords[];
}

const FILE = /<(file|folder)/;
const LIST = /,…/;

const optionWords = (option: Option): OptionWords => ({
  flags: [option.short, option.long].filter((flag) => flag !== undefined),
  description: option.description,
  value: option.required || option.optional ? { choices: option.argChoices ?? [], isList: LIST.test(option.flags), isFile: FILE.test(option.flags) } : null,
});

const HELP: OptionWords = { flags: ['-h', '--help'], description: 'print help', value: null };

const commandWords = (command: Command, path: string[], inherited: readonly OptionWords[]): CommandWords[] => {
  const own: CommandWords = {
    path,
    subcommands: command.commands.flatMap((child) => [child.name(), ...child.aliases()].map((name) => ({ name, description: child.description() }))),
    options: [...(path.length === 0 ? [] : command.options.map(optionWords)), ...inherited, HELP],
    arguments: command.registeredArguments.map((argument) => ({ choices: argument.argChoices ?? [], isList: false, isFile: argument.name() === 'file' })),
  };
  if (path.length === 0 && own.subcommands.length > 0) own.subcommands.push({ name: 'help', description: 'print help of a command' });
  return [own, ...command.commands.flatMap((child) => [child.name(), ...child.aliases()].flatMap((name) => commandWords(child, [...path, name], inherited)))];
};

/** Every command with what may follow it; the root comes first. */
export const completionTree = (program: Command): CommandWords[] => commandWords(program, [], program.options.map(optionWords));
