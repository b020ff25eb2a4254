import { type CompletionTable, optionsThatTake } from "./table.ts";

/** For bash 3.2 and newer: macOS ships 3.2. */
export function bashScript({ words, options }: CompletionTable): string {
  const next = [...words].map(([before, choices]) => `    "${before}") echo "${choices.map(({ word }) => word).join(" ")}" ;;`);
  const own = [...options].map(([command, all]) => `    "${command}") echo "${all.map(({ name }) => name).join(" ")}" ;;`);
  return `# bash completion of carillon; printed by \`carillon completion bash\`
_carillon_words() {
  case "$1" in
${next.join("\n")}
  esac
}
_carillon_options() {
  case "$1" in
${own.join("\n")}
  esac
}
_carillon() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path="" word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    [ "$i" = 1 ] && [ "$word" = help ] && continue
    case " $(_carillon_words "$path") " in
      *" $word "*) path="\${path:+$path }$word" ;;
      *) break ;;
    esac
  done
  case "$path $prev" in
    ${optionsThatTake(options, "file")}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ${optionsThatTake(options, "value")}) return ;;
  esac
  case "$cur" in
    -*) COMPREPLY=($(compgen -W "$(_carillon_options "$path")" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W "$(_carillon_words "$path")" -- "$cur")) ;;
  esac
}
complete -o filenames -o bashdefault -F _carillon carillon
`;
}
