import { nearest } from "../runtime/nearest.ts";
import { type Asked, membersOf } from "./command-line.ts";
import { ALIASES, COMMANDS, loadCommand } from "./commands.ts";
import { EXIT } from "./exit-status.ts";
import { commandHelp, groupHelp, overview, roleHelp } from "./help.ts";
import { ROLE_NAMES } from "./roles.ts";

/** Characters of an unknown word that are printed back at most. */
const SHOWN_MAX = 40;

/** Prints the help that was asked for; or, to standard error, what is wrong with a name and what was probably meant. Resolves to the exit status. */
export async function answerHelp(asked: Extract<Asked, { kind: "help" | "group" | "unknown" }>): Promise<number> {
  if (asked.kind === "help") {
    process.stdout.write(await helpText(asked.name));
    return EXIT.ok;
  }
  process.stderr.write(asked.kind === "group" ? groupFault(asked.name, asked.wrong) : unknownFault(asked.name));
  return EXIT.usage;
}

async function helpText(name: string | undefined): Promise<string> {
  if (name === undefined) return overview();
  if (Object.hasOwn(COMMANDS, name)) {
    const help = commandHelp(name, await loadCommand(name));
    return membersOf(name).length > 0 ? `${help}\n${groupHelp(name)}` : help;
  }
  return ROLE_NAMES.includes(name) ? roleHelp(name) : groupHelp(name);
}

function groupFault(group: string, wrong: string | undefined): string {
  if (wrong === undefined) return `carillon ${group}: a subcommand is missing\n\n${groupHelp(group)}`;
  const next = [...new Set(membersOf(group).map((name) => name.slice(group.length + 1).split(" ")[0]!))];
  return `carillon ${group}: no subcommand "${wrong.slice(0, SHOWN_MAX)}"${meant(wrong, next, `carillon ${group} `)}\n\n${groupHelp(group)}`;
}

function unknownFault(name: string): string {
  const first = Object.keys(COMMANDS).map((command) => command.split(" ")[0]!);
  const choices = [...new Set([...Object.keys(COMMANDS), ...first, ...Object.keys(ALIASES), ...ROLE_NAMES])];
  return [
    `carillon: unknown command or role "${name.slice(0, SHOWN_MAX)}"${meant(name, choices, "carillon ")}`,
    "`carillon help` lists them; usage: carillon <command> [options]",
    "",
  ].join("\n");
}

function meant(given: string, choices: readonly string[], before: string): string {
  const choice = nearest(given, choices);
  return choice === undefined ? "" : `; did you mean \`${before}${choice}\`?`;
}
