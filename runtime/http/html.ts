/** Text that is html already. */
export interface Html {
  readonly html: string;
}

type Value = string | Html | undefined | readonly Html[];

/** A template whose values are escaped unless they are html; undefined is nothing. Values may stand in text and in attributes in double quotes. */
export const html = (strings: TemplateStringsArray, ...values: readonly Value[]): Html => ({
  html: strings.reduce((whole, part, i) => whole + textOf(values[i - 1]) + part),
});

function textOf(value: Value): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return "html" in value ? value.html : value.map(({ html: part }) => part).join("");
}
