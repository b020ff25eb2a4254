import { type CompletionTable, optionsThatTake } from "./table.ts";

/** In single quotes; a colon ends the word in what _describe reads. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''").replaceAll(":", "\\:")}'`;

export function zshScript({ words, options }: CompletionTable): string {
  const next = [...words].map(
    ([before, choices]) =>
      `    "${before}") list=(${choices.map(({ word, summary }) => `${quoted(word)}:${quoted(summary)}`).join(" ")}) ;;`,
  );
  const own = [...options].map(([command, all]) => `    "${command}") list=(${all.map(({ name }) => name).join(" ")}) ;;`);
  return `#compdef carillon
# zsh completion of carillon; printed by \`carillon completion zsh\`
_carillon_words() {
  list=()
  case "$1" in
${next.join("\n")}
  esac
}
_carillon_options() {
  list=()
  case "$1" in
${own.join("\n")}
  esac
}
_carillon() {
  local at="" word i
  local -a list
  for ((i = 2; i < CURRENT; i++)); do
    word="$words[i]"
    [[ $i = 2 && $word = help ]] && continue
    _carillon_words "$at"
    (( \${list[(I)$word:*]} )) || break
    at="\${at:+$at }$word"
  done
  case "$at $words[CURRENT-1]" in
    ${optionsThatTake(options, "file")}) _files; return ;;
    ${optionsThatTake(options, "value")}) return ;;
  esac
  if [[ $words[CURRENT] = -* ]]; then
    _carillon_options "$at"
    compadd -a list
  else
    _carillon_words "$at"
    (( $#list )) && _describe 'command' list || _files
  fi
}
compdef _carillon carillon
`;
}
