/** docs/cli.md says what the command line is. `REELAY_WRITE_DOCS=1 npx vitest run --project unit tests/cli-docs.test.ts` writes it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@reelay/runtime';
import { expect, it } from 'vitest';
import { EXIT, EXIT_MEANINGS } from '../cli/src/exit-codes.ts';
import { buildProgram } from '../cli/src/program.ts';

type Command = ReturnType<typeof buildProgram>['program'];

const FILE = fileURLToPath(new URL('../docs/cli.md', import.meta.url));
const INTRO = `# The command \`reelay\`

Runs Reelay, looks at it, and files and follows jobs: what the web client does, for terminals and scripts. This page is written from the command tree; \`reelay help COMMAND\` says the same.

## Getting it

\`cli/reelay.mjs\` of the clone is the command. \`npx reelay …\` runs it inside the clone; for every folder put a link into one of PATH (\`ln -s "$PWD/cli/reelay.mjs" ~/.local/bin/reelay\`), or \`npm link\`. In the container images it is \`reelay\`.

In a clone where nothing is installed yet, \`start\` installs and builds, \`doctor\` looks at the machine, and \`help\` helps; the rest needs the build.

Completion: \`source <(reelay completion bash)\` (or \`zsh\`) in the shell's start file; for fish \`reelay completion fish > ~/.config/fish/completions/reelay.fish\`.

## Which gateway, and as whom

The gateway: \`--url\`, else \`REELAY_URL\`, else the system that runs on the data folder, else \`http://localhost:4100\`. The data folder: \`--data-dir\`, else \`REELAY_DATA_DIR\`, else \`.reelay\` of the clone.

The token: \`--token-file\`, else \`REELAY_TOKEN\`, else that of \`reelay login\`, which keeps one per gateway in \`~/.config/reelay/credentials\` (\`XDG_CONFIG_HOME\`), readable by its owner only. A password is asked for without showing it, or read from standard input (\`--password-stdin\`); neither it nor a token is ever an argument. On the machine where Reelay was first started, \`login\` offers the generated password of \`admin\` (\`--local\` takes it without asking).

## What it prints

Results go to standard output, everything said beside them to standard error. Tables are aligned; colour is for terminals only, and not with \`NO_COLOR\`. \`--json\` prints the API's answer as it is, or one document of the command's own where no API is asked; commands that go on (\`--watch\`, \`logs\`) print one document per line. Jobs may be named by the beginning of their id when no other begins like it.
`;

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ');
const rows = (title: string, entries: readonly (readonly [string, string])[]): string =>
  entries.length === 0 ? '' : `\n| ${title} | |\n|---|---|\n${entries.map(([name, meaning]) => `| \`${cell(name)}\` | ${cell(meaning)} |`).join('\n')}\n`;

const optionText = ({ description, argChoices, defaultValue }: Command['options'][number]): string => {
  const choices = argChoices === undefined ? '' : `: ${argChoices.join(', ')}`;
  const initial: unknown = defaultValue;
  return `${description}${choices}${typeof initial === 'string' || typeof initial === 'number' ? ` (${initial})` : ''}`;
};

const usage = (command: Command, path: string): string => [path, ...(command.options.length > 0 ? ['[options]'] : []), ...command.registeredArguments.map((argument) => {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
})].join(' ');

const section = (command: Command, path: string): string => {
  if (command.commands.length > 0) return command.commands.map((child) => section(child, `${path} ${child.name()}`)).join('');
  const what = command.description();
  const given = command.registeredArguments.map((argument) => [argument.name(), `${argument.description}${argument.argChoices === undefined ? '' : `: ${argument.argChoices.join(', ')}`}`] as const).filter(([, meaning]) => meaning !== '');
  return `\n### \`${usage(command, path)}\`\n\n${what.charAt(0).toUpperCase()}${what.slice(1)}.\n${rows('argument', given)}${rows('option', command.options.map((option) => [option.flags, optionText(option)] as const))}`;
};

it('docs/cli.md is true', () => {
  const { program } = buildProgram({ env: {}, cwd: '/', out: { write: () => {} }, err: { write: () => {} }, input: process.stdin, clock: systemClock }, '/');
  const groups = [...new Set(program.commands.map((command) => command.helpGroup()))];
  const text = INTRO
    + `\n## Options of every command\n${rows('option', program.options.map((option) => [option.flags, optionText(option)] as const))}`
    + groups.map((group) => `\n## ${group.replace(/:$/, '')}\n${program.commands.filter((command) => command.helpGroup() === group).map((command) => section(command, `reelay ${command.name()}`)).join('')}`).join('')
    + `\n## Exit codes\n\n\`reelay start\`, \`gateway\`, \`scheduler\` and \`agent\` end with the codes of the service.\n\n| code | meaning |\n|---|---|\n${Object.entries(EXIT).map(([name, code]) => `| ${code} | ${EXIT_MEANINGS[name as keyof typeof EXIT]} |`).join('\n')}\n`;
  if (process.env['REELAY_WRITE_DOCS'] === '1') writeFileSync(FILE, text);
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});
