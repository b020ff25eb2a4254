import type { Command } from "./command.ts";
import { membersOf } from "./command-line.ts";
import { ALIASES, COMMANDS, SECTIONS } from "./commands.ts";
import { ROLES } from "./roles.ts";

/** Width of the column of names, in characters. */
const WIDTH = 21;
const row = (name: string, summary: string) => `  ${name.padEnd(WIDTH)} ${summary}`;

/** All of `carillon help`. */
export function overview(): string {
  const sections = SECTIONS.flatMap(({ title, commands }) => [
    "",
    title,
    ...Object.entries(commands).map(([name, [summary]]) => row(name, summary)),
  ]);
  return [
    "usage: carillon <command> [options]",
    "       carillon <role>",
    "       carillon help <command>",
    ...sections,
    "",
    "roles: what runs in production; each reads its environment variables (carillon config ROLE)",
    ...Object.entries(ROLES).map(([name, { summary }]) => row(name, summary)),
    "",
    "examples",
    "  carillon up                                     the whole system on this machine",
    "  carillon send --to email:ada@example.com --subject Hello --text 'It works.'",
    "  carillon config gateway                         what a role reads",
    "",
    "exit status: 0 done, 1 failed, 2 the command line is wrong. docs/command-line.md says more.",
    "",
  ].join("\n");
}

export function commandHelp(name: string, { about, usage, details }: Command): string {
  const others = Object.entries(ALIASES).flatMap(([alias, of]) => (of === name ? [alias] : []));
  return [
    `usage: carillon ${name} ${usage}`.trimEnd(),
    "",
    about,
    ...(details ? ["", details] : []),
    ...(others.length > 0 ? ["", `Also: carillon ${others.join(", carillon ")}`] : []),
    "",
  ].join("\n");
}

export const roleHelp = (name: string): string =>
  [
    `usage: carillon ${name}`,
    "",
    `Runs the role: it ${ROLES[name]?.summary}. Takes no arguments; \`carillon config ${name}\` prints the variables that it reads.`,
    ...(membersOf(name).length > 0 ? ["", ...groupRows(name)] : []),
    "",
  ].join("\n");

export const groupHelp = (group: string): string =>
  [`usage: carillon ${group} <command> [options]`, "", ...groupRows(group), ""].join("\n");

const groupRows = (group: string) => membersOf(group).map((name) => row(name, COMMANDS[name]!.summary));
