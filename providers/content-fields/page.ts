import { type FieldRow, placesOf } from "./row.ts";

/** The fields of one part of a content, and the providers that take it. */
export interface FieldSection<ProviderName extends string = string> {
  title: string;
  /** What a reader must know besides the table; Markdown. */
  intro: string;
  /** Columns, in order: the provider's name and title. */
  providers: readonly (readonly [name: ProviderName, title: string])[];
  rows: readonly FieldRow<ProviderName>[];
}

const HEAD = `# Where content arrives

Which field of a notification's content becomes which field of what each provider is sent. A name with dots is a path in the request: keys from
the outermost on, numbers are places in lists, headers stand below \`headers\`. A test sends each row to the sandbox and compares what arrived; this page is
written from the same rows by \`node scripts/content-page.ts write\`.
`;

/** The text of docs/content.md. */
export const contentPage = (sections: readonly FieldSection[]): string => [HEAD, ...sections.map(sectionText)].join("\n");

function sectionText({ title, intro, providers, rows }: FieldSection): string {
  const lines = [
    ["field", ...providers.map(([, name]) => name)],
    providers.map(() => "---").concat("---"),
    ...rows.map(({ field, arrives }) => [codeOf(field), ...providers.map(([name]) => cellOf(arrives[name]))]),
  ];
  return [`## ${title}`, "", intro, "", ...lines.map((cells) => `| ${cells.join(" | ")} |`), ""].join("\n");
}

/** A field as code and what follows it as text, as in "`badge` (alone)". */
const codeOf = (field: string) => field.replace(/^\S+/, (name) => `\`${name}\``);

function cellOf(arrival: FieldRow["arrives"][string] | undefined): string {
  if (arrival === undefined) return "";
  if ("not" in arrival) return `(${arrival.not})`;
  const given = placesOf(arrival).filter(({ value }) => value !== undefined);
  return given.length > 0 ? given.map(({ path }) => `\`${path}\``).join(", ") : "left out";
}
