import type { Variables } from "../../runtime/config.ts";
import { loadRoles } from "../roles.ts";

/** One role's variables as a Markdown table. */
export function configTable(variables: Variables): string {
  const rows = Object.entries(variables).map(([name, v]) => {
    const fallback = v.default === undefined ? "**required**" : v.default === "" ? "empty" : `\`${v.default}\``;
    const type = v.type.replaceAll("|", "\\|");
    return `| \`${name}\` | ${type}${v.secret ? ", secret" : ""} | ${fallback} | ${v.unit ?? ""} | ${v.reason.replaceAll("|", "\\|")} |`;
  });
  return ["| variable | type | default | unit | what for |", "| --- | --- | --- | --- | --- |", ...rows].join("\n");
}

/** All of docs/configuration.md. */
export async function configurationPage(): Promise<string> {
  const sections = (await loadRoles()).map((r) => `## ${r.name}\n\nIt ${r.about}.\n\n${configTable(r.variables)}\n`);
  return [
    "# Configuration",
    "",
    "Every role reads its variables from the environment once, at start, and reports all mistakes together. Secrets come in files: the variable holds the path.",
    "A file is read once, too, where its type does not say that it is read again when it changes.",
    "This page is made by `carillon config --all`; a test keeps it equal to the code.",
    "",
    ...sections,
  ].join("\n");
}
