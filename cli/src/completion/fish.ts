import type { CommandWords, OptionWords } from './tree.ts';

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;

/** Options that take a value: the word after one is no command. */
const withValue = (tree: readonly CommandWords[]): string => [...new Set(tree.flatMap(({ options }) => options.filter(({ value }) => value !== null).flatMap(({ flags }) => flags)))].join(' ');

const commandNames = (tree: readonly CommandWords[]): string => tree.filter(({ path }) => path.length > 0).map(({ path }) => quoted(path.join(' '))).join(' ');

const helper = (tree: readonly CommandWords[]): string => `function __reelay_at -d 'whether the words so far name this command'
    set -l words (commandline -opc)
    set -e words[1]
    set -l path
    set -l skip 0
    for word in $words
        if test $skip = 1
            set skip 0
            continue
        end
        if string match -q -- '-*' $word
            contains -- $word ${withValue(tree)}; and set skip 1
            continue
        end
        contains -- (string join ' ' $path $word) ${commandNames(tree)}; or break
        set path $path $word
    end
    test "$path" = "$argv[1]"
end
`;

const optionLine = (condition: string, { flags, description, value }: OptionWords): string => {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ');
  const words = value === null ? '' : value.isFile ? ' -r -F' : ` -r -f${value.choices.length === 0 ? '' : ` -a ${quoted(value.choices.join(' '))}`}`;
  return `complete -c reelay -n ${condition} ${names}${words} -d ${quoted(description)}`;
};

const commandLines = ({ path, subcommands, options, arguments: values }: CommandWords): string[] => {
  const condition = quoted(`__reelay_at "${path.join(' ')}"`);
  return [
    ...subcommands.map(({ name, description }) => `complete -c reelay -n ${condition} -a ${name} -d ${quoted(description)}`),
    ...values.map(({ choices, isFile }) => (isFile ? `complete -c reelay -n ${condition} -F` : choices.length === 0 ? '' : `complete -c reelay -n ${condition} -a ${quoted(choices.join(' '))}`)),
    ...options.map((option) => optionLine(condition, option)),
  ].filter((line) => line !== '');
};

/** For `reelay completion fish > ~/.config/fish/completions/reelay.fish`. */
export const fishCompletion = (tree: readonly CommandWords[]): string => ['# Completion of reelay for fish', helper(tree), 'complete -c reelay -f', ...tree.flatMap(commandLines), ''].join('\n');
