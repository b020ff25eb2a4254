import { ALIASES, COMMANDS } from "./commands.ts";
import { ROLES } from "./roles.ts";

/** Words of the longest command. */
const WORDS_MAX = 3;
const HELP = ["help", "--help", "-h"];
const VERSION = ["--version", "-V", "version"];

/** What a command line asks for. */
export type Asked =
  /** Without a name: the overview. */
  | { kind: "help"; name?: string }
  | { kind: "version" }
  | { kind: "role"; name: string; args: readonly string[] }
  | { kind: "command"; name: string; args: readonly string[] }
  /** The first words of several commands, such as "app key": with `wrong`, a word that no command has next, or with nothing after them. */
  | { kind: "group"; name: string; wrong: string | undefined }
  | { kind: "unknown"; name: string };

/** @param args without node and script */
export function readCommandLine(args: readonly string[]): Asked {
  const [first, ...rest] = args;
  if (first === undefined) return { kind: "help" };
  if (VERSION.includes(first)) return { kind: "version" };
  if (HELP.includes(first)) return helpAbout(rest.filter((word) => !word.startsWith("-")));
  if (Object.hasOwn(ROLES, first)) return roleLine(first, rest);
  const command = longestCommand(args);
  if (command) return { kind: "command", name: command.name, args: args.slice(command.words) };
  const group = longestGroup(args);
  if (group === undefined) return { kind: "unknown", name: first };
  const next = args[group.split(" ").length];
  if (next !== undefined && HELP.includes(next)) return { kind: "help", name: group };
  return { kind: "group", name: group, wrong: next?.startsWith("-") ? undefined : next };
}

/** The role of this name wins, unless what follows makes it a command: `preferences` is a role, `preferences show` a command. */
function roleLine(name: string, rest: readonly string[]): Asked {
  const command = longestCommand([name, ...rest]);
  if (command) return { kind: "command", name: command.name, args: rest.slice(command.words - 1) };
  return rest.some((arg) => HELP.includes(arg)) ? { kind: "help", name } : { kind: "role", name, args: rest };
}

function helpAbout(words: readonly string[]): Asked {
  if (words.length === 0) return { kind: "help" };
  const name = longestCommand(words)?.name ?? longestGroup(words) ?? (Object.hasOwn(ROLES, words[0]!) ? words[0] : undefined);
  return name === undefined ? { kind: "unknown", name: words.join(" ") } : { kind: "help", name };
}

function longestCommand(words: readonly string[]): { name: string; words: number } | undefined {
  for (let n = Math.min(WORDS_MAX, words.length); n > 0; n--) {
    const given = words.slice(0, n).join(" ");
    const name = Object.hasOwn(ALIASES, given) ? ALIASES[given]! : given;
    if (Object.hasOwn(COMMANDS, name)) return { name, words: n };
  }
  return undefined;
}

function longestGroup(words: readonly string[]): string | undefined {
  for (let n = Math.min(WORDS_MAX - 1, words.length); n > 0; n--) {
    const name = words.slice(0, n).join(" ");
    if (membersOf(name).length > 0) return name;
  }
  return undefined;
}

/** The commands that begin with these words and have more. */
export const membersOf = (group: string): string[] => Object.keys(COMMANDS).filter((name) => name.startsWith(`${group} `));
