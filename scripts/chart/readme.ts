import type { CommentedValue } from "./commented-values.ts";

export const BEGIN = "<!-- values: from values.yaml, by make chart-gen -->";
export const END = "<!-- /values -->";

/** The README with its tables replaced. Throws where the markers are missing. */
export function fillReadme(readme: string, values: readonly CommentedValue[]): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`README.md must hold ${BEGIN} and ${END}`);
  return `${readme.slice(0, begin)}${BEGIN}\n\n${valueTables(values)}\n${readme.slice(end)}`;
}

function valueTables(values: readonly CommentedValue[]): string {
  const sections = Map.groupBy(values, (value) => value.section);
  return [...sections].map(([section, of]) => `### ${section}\n\n${table(of)}\n`).join("\n");
}

function table(values: readonly CommentedValue[]): string {
  const row = ({ path, comment, written }: CommentedValue) =>
    `| \`${path}\` | ${written === "" ? "" : `\`${cell(written)}\``} | ${cell(comment)} |`;
  return ["| value | default | what for |", "| --- | --- | --- |", ...values.map(row)].join("\n");
}

const cell = (text: string) => text.replaceAll("|", "\\|");
