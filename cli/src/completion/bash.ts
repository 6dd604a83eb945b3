import type { CommandWords, ValueWords } from './tree.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
const keyOf = ({ path }: Pick<CommandWords, 'path'>): string => quoted(path.join(' '));

/** `case` arms for everything that has words. */
const arms = (entries: readonly (readonly [key: string, words: string])[]): string => entries.filter(([, words]) => words !== '').map(([key, words]) => `    ${key}) printf '%s\\n' ${quoted(words)} ;;`).join('\n');

/** What a value may be, with a mark before it: `files`, or words of which several may stand with commas between. */
const valueText = ({ choices, isFile, isList }: ValueWords): string => (isFile ? '@files' : choices.length === 0 ? '@any' : `${isList ? '@list ' : ''}${choices.join(' ')}`);

const functionOf = (name: string, entries: readonly (readonly [string, string])[]): string => `${name}() {\n  case "$1" in\n${arms(entries)}\n  esac\n}\n`;

/** The tables of the tree as functions of a shell: what follows a command, an option of it, or an argument of it. */
export const shellTables = (tree: readonly CommandWords[]): string => [
  functionOf('_reelay_commands', tree.map((command) => [keyOf(command), command.subcommands.map(({ name }) => name).join(' ')])),
  functionOf('_reelay_options', tree.map((command) => [keyOf(command), command.options.flatMap(({ flags }) => flags).join(' ')])),
  functionOf('_reelay_value', tree.flatMap((command) =>
    command.options.flatMap(({ flags, value }) => (value === null ? [] : flags.map((flag) => [quoted(`${command.path.join(' ')} ${flag}`), valueText(value)] as const))))),
  functionOf('_reelay_argument', tree.flatMap((command) =>
    command.arguments.map((argument, index) => [quoted(`${command.path.join(' ')} ${index + 1}`), valueText(argument)] as const).filter(([, words]) => words !== '@any'))),
].join('\n');

const BASH = String.raw`
# Which command the words name, and what stands before the word that is being typed.
_reelay() {
  local cur=${'$'}{COMP_WORDS[COMP_CWORD]} path='' option='' count=0 i word words
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${'$'}{COMP_WORDS[i]}
    if [[ $word == '=' ]]; then continue; fi
    if [[ -n $option ]]; then option=''; continue; fi
    if [[ $word == -* ]]; then
      if [[ -n $(_reelay_value "$path $word") ]]; then option=$word; fi
    elif [[ $count -eq 0 && " $(_reelay_commands "$path") " == *" $word "* ]]; then
      path=${'$'}{path:+$path }$word
    else
      count=$((count + 1))
    fi
  done
  if [[ $cur == '=' ]]; then cur=''; fi
  if [[ -n $option ]]; then
    words=$(_reelay_value "$path $option")
  elif [[ $cur == -* ]]; then
    words=$(_reelay_options "$path")
  else
    words="$(_reelay_commands "$path") $(_reelay_argument "$path $((count + 1))")"
  fi
  COMPREPLY=()
  case $words in
    *@files*) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    *@list*) local before=''; [[ $cur == *,* ]] && before="${'$'}{cur%,*},"; mapfile -t COMPREPLY < <(compgen -P "$before" -W "${'$'}{words#@list }" -- "${'$'}{cur##*,}") ;;
    *@any*) ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;
  esac
}
complete -F _reelay reelay
`;

/** For `source <(reelay completion bash)`, or a file in ~/.local/share/bash-completion/completions/reelay. */
export const bashCompletion = (tree: readonly CommandWords[]): string => `# Completion of reelay for bash\n${shellTables(tree)}${BASH}`;
