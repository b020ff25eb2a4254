import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import type { Environment } from "../runtime/config.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { startFault } from "../runtime/until-signal.ts";
import { type Command, fail, UsageError } from "./command.ts";
import { loadCommand } from "./commands.ts";
import { EXIT } from "./exit-status.ts";
import { commandHelp } from "./help.ts";
import { nearest } from "./nearest.ts";

/** Reads the arguments and runs the command. Resolves to its exit status; what is wrong goes to standard error, without a stack. */
export async function runCommand(name: string, args: readonly string[], env: Environment): Promise<number> {
  const command = await loadCommand(name);
  try {
    const { values, positionals } = read(command, args);
    if (values.help === true) {
      process.stdout.write(commandHelp(name, command));
      return EXIT.ok;
    }
    if (positionals.length > argumentsMax(command.usage))
      fail(`"${positionals.at(-1)!.slice(0, 40)}" is one argument too many; quote what has spaces`);
    return await command.run({ values, positionals, env });
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`carillon ${name}: ${error.message}\nusage: carillon ${name} ${command.usage}\n`);
      return EXIT.usage;
    }
    process.stderr.write(`${faultText(name, error, env)}\n`);
    return EXIT.failed;
  }
}

function read({ options }: Command, args: readonly string[]) {
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

/** A defect of ours says where it is only to whoever asks for that. */
function faultText(name: string, error: unknown, env: Environment): string {
  const text = startFault(error);
  if (error instanceof OperatorError || env.CARILLON_DEBUG || !text.includes("\n    at ")) return text;
  const [first] = (error instanceof Error ? error.message : String(error)).split("\n");
  return `carillon ${name}: ${first}\nThis is a defect of Carillon. CARILLON_DEBUG=1 prints where it is, for a report.`;
}
