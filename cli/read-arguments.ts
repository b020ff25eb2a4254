import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { nearest } from "../runtime/nearest.ts";
import { type Command, fail, type Invocation } from "./command.ts";

/** The arguments of a command, by its options and its usage. No more arguments are taken than the usage names. Throws a UsageError. */
export function readArguments(
  { options, usage }: Pick<Command, "options" | "usage">,
  args: readonly string[],
): Pick<Invocation, "values" | "positionals"> {
  const { values, positionals } = parse(options, args);
  if (values.help !== true && positionals.length > argumentsMax(usage))
    fail(`"${positionals.at(-1)!.slice(0, 40)}" is one argument too many; quote what has spaces`);
  return { values, positionals };
}

function parse(options: ParseArgsOptionsConfig, given: readonly string[]) {
  const all: ParseArgsOptionsConfig = { help: { type: "boolean", short: "h" }, ...options };
  const args = withDashedValues(all, given);
  try {
    const { values, positionals, tokens } = parseArgs({ args, options: all, allowPositionals: true, strict: true, tokens: true });
    const names = tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
    const twice = names.find((name, i) => takesValue(all, name) && all[name]?.multiple !== true && names.indexOf(name) < i);
    if (twice !== undefined) fail(`--${twice} is given twice`);
    return { values, positionals };
  } catch (error) {
    return fail(faultText(error as NodeJS.ErrnoException, all));
  }
}

/** Node's own words speak of its parser. Throws again what is no mistake of the command line. */
function faultText(error: NodeJS.ErrnoException, all: ParseArgsOptionsConfig): string {
  const { code = "", message } = error;
  const named = (pattern: RegExp) => pattern.exec(message)?.[1] ?? "";
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") {
    const unknown = named(/'(-[^']*)'/);
    const options = Object.keys(all).map((option) => `--${option}`);
    const choice = nearest(unknown, options);
    return `unknown option ${unknown.slice(0, 40)}${choice === undefined ? "" : `; did you mean ${choice}?`}`;
  }
  if (code !== "ERR_PARSE_ARGS_INVALID_OPTION_VALUE") throw error;
  const option = named(/'(?:-\w, )?(--[\w-]+)/);
  return takesValue(all, option.slice(2)) ? `${option} has no value: write ${option}=VALUE` : `${option} takes no value`;
}

const takesValue = (all: ParseArgsOptionsConfig, name: string) => Object.hasOwn(all, name) && all[name]?.type === "string";

/** As `--for=-5s` where `--for -5s` is given, so that the option's own rule is said of it; another option's name is no value. */
function withDashedValues(all: ParseArgsOptionsConfig, given: readonly string[]): string[] {
  const args: string[] = [];
  for (let i = 0; i < given.length; i++) {
    const [arg, next] = [given[i]!, given[i + 1]];
    if (arg === "--") return [...args, ...given.slice(i)];
    if (arg.startsWith("--") && takesValue(all, arg.slice(2)) && next !== undefined && isDashedValue(all, next)) {
      args.push(`${arg}=${next}`);
      i++;
    } else args.push(arg);
  }
  return args;
}

const isDashedValue = (all: ParseArgsOptionsConfig, word: string) =>
  word.length > 1 && word.startsWith("-") && word !== "--" && word !== "-h" && !Object.hasOwn(all, word.slice(2).split("=")[0]!);

/** How many arguments a usage allows: it begins with their names. One that ends in "..." stands for any number. */
export function argumentsMax(usage: string): number {
  const words = usage.split(/\s+/);
  const end = words.findIndex((word) => /^(\[?-|\[?\||$)/.test(word));
  const named = end === -1 ? words : words.slice(0, end);
  return named.some((word) => word.endsWith("...")) ? Number.POSITIVE_INFINITY : named.length;
}
