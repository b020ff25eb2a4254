/** The first `max` UTF-16 code units of a text, or one less where that would leave half of a surrogate pair: JSON and gRPC cannot carry it. */
export const cut = (text: string, max: number): string =>
  text
    .slice(0, max)
    .replace(/[\ud800-\udbff]$/, "")
    .toWellFormed();

/** The first `max` names, and how many there are beside them: "a, b and 97 more". */
export function namesText(names: readonly string[], max: number): string {
  const first = names.slice(0, max).join(", ");
  return names.length > max ? `${first} and ${names.length - max} more` : first;
}
