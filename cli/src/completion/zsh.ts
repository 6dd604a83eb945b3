import { shellTables } from './bash.ts';
import type { CommandWords } from './tree.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Commands with what they do, for the menu. */
const described = (tree: readonly CommandWords[]): string => {
  const arms = tree.filter(({ subcommands }) => subcommands.length > 0).map(({ path, subcommands }) =>
    `    ${quoted(path.join(' '))}) reply=(${subcommands.map(({ name, description }) => quoted(`${name}:${description.replaceAll(':', String.raw`\:`)}`)).join(' ')}) ;;`);
  return `_reelay_described() {\n  reply=()\n  case "$1" in\n${arms.join('\n')}\n  esac\n}\n`;
};

const ZSH = String.raw`
_reelay() {
  local cur=${'$'}{words[CURRENT]} where='' option='' count=0 i word found reply
  for ((i = 2; i < CURRENT; i++)); do
    word=${'$'}{words[i]}
    if [[ -n $option ]]; then option=''; continue; fi
    if [[ $word == -* ]]; then
      if [[ $word != *=* && -n $(_reelay_value "$where $word") ]]; then option=$word; fi
    elif [[ $count -eq 0 && " $(_reelay_commands "$where") " == *" $word "* ]]; then
      where=${'$'}{where:+$where }$word
    else
      count=$((count + 1))
    fi
  done
  if [[ -n $option ]]; then
    found=$(_reelay_value "$where $option")
  elif [[ $cur == --*=* ]]; then
    found=$(_reelay_value "$where ${'$'}{cur%%=*}"); compset -P '*='
  elif [[ $cur == -* ]]; then
    found=$(_reelay_options "$where")
  else
    _reelay_described "$where"
    (( ${'$'}{#reply} )) && _describe -t commands command reply
    found=$(_reelay_argument "$where $((count + 1))")
  fi
  case $found in
    @files) _files ;;
    @list*) compset -P '*,'; compadd -q -S '' -- ${'$'}{=found#@list } ;;
    @any | '') ;;
    *) compadd -- ${'$'}{=found} ;;
  esac
}
if [[ $funcstack[1] == _reelay ]]; then _reelay "$@"; else compdef _reelay reelay; fi
`;

/** For `source <(reelay completion zsh)`, or a file `_reelay` in a folder of $fpath. */
export const zshCompletion = (tree: readonly CommandWords[]): string => `#compdef reelay\n# Completion of reelay for zsh\n${shellTables(tree)}${described(tree)}${ZSH}`;
