#!/usr/bin/env node
import { parseArgs } from "node:util";
import type { Environment } from "../runtime/config.ts";
import { runUntilSignal, startFault } from "../runtime/run.ts";
import { UsageError } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { loadRoles, roleLoader } from "./roles.ts";

const [first = "help", ...rest] = process.argv.slice(2);
/** Words of the longest command that the arguments begin with. */
const words = [3, 2].find((n) => Object.hasOwn(COMMANDS, [first, ...rest].slice(0, n).join(" "))) ?? 1;
const name = [first, ...rest.slice(0, words - 1)].join(" ");
const args = rest.slice(words - 1);
const env: Environment = process.env;

async function help(): Promise<string> {
  const width = 20;
  const commands = Object.entries(COMMANDS).map(([command, { about }]) => `  ${command.padEnd(width)} ${about}`);
  const roles = (await loadRoles()).map((r) => `  ${r.name.padEnd(width)} ${r.about}`);
  return ["usage: carillon <command> [options]; carillon <command> --help", "", "commands", ...commands, "", "roles", ...roles, ""].join(
    "\n",
  );
}

const load = roleLoader(name);
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (load) {
  // Signal handlers are installed before the role's modules load: a process with PID 1 ignores signals without a handler.
  await runUntilSignal(async () => (await load()).start(env));
} else if (command) {
  try {
    const options = { help: { type: "boolean" }, ...command.options } as const;
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true, strict: true });
    if (values.help === true) process.stdout.write(`usage: carillon ${name} ${command.usage}\n\n${command.about}\n`);
    else process.exitCode = await command.run({ values, positionals, env });
  } catch (error) {
    const usage =
      error instanceof UsageError || (error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS"));
    process.stderr.write(
      usage ? `carillon ${name}: ${(error as Error).message}\nusage: carillon ${name} ${command.usage}\n` : `${startFault(error)}\n`,
    );
    process.exitCode = usage ? 2 : 1;
  }
} else if (name === "help" || name === "--help") {
  process.stdout.write(await help());
} else {
  process.stderr.write(`carillon: unknown command or role "${name.slice(0, 40)}"\n\n${await help()}`);
  process.exitCode = 2;
}
