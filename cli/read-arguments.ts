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

function parse(options: ParseArgsOptionsConfig, args: readonly string[]) {
  const all = { help: { type: "boolean", short: "h" }, ...options } as const satisfies ParseArgsOptionsConfig;
  try {
    return parseArgs({ args: [...args], options: all, allowPositionals: true, strict: true });
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (!code.startsWith("ERR_PARSE_ARGS")) throw error;
    const unknown = code === "ERR_PARSE_ARGS_UNKNOWN_OPTION" ? /'(-[^']*)'/.exec(message)?.[1] : undefined;
    if (unknown === undefined) return fail(message);
    const choice = nearest(
      unknown,
      Object.keys(all).map((option) => `--${option}`),
    );
    return fail(`unknown option ${unknown.slice(0, 40)}${choice === undefined ? "" : `; did you mean ${choice}?`}`);
  }
}

/** How many arguments a usage allows: it begins with their names. One that ends in "..." stands for any number. */
export function argumentsMax(usage: string): number {
  const words = usage.split(/\s+/);
  const end = words.findIndex((word) => /^(\[?-|\[?\||$)/.test(word));
  const named = end === -1 ? words : words.slice(0, end);
  return named.some((word) => word.endsWith("...")) ? Number.POSITIVE_INFINITY : named.length;
}
