#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readCommandLine } from "./command-line.ts";
import { EXIT } from "./exit-status.ts";

// Where a reader such as `head` closes the output, the command ends silently, as SIGPIPE ends other programs.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.outputClosed);
    throw error;
  });

const asked = readCommandLine(process.argv.slice(2));
switch (asked.kind) {
  case "role":
    await runRole(asked.name, asked.args);
    break;
  case "command": {
    const { runCommand } = await import("./run-command.ts");
    process.exitCode = await runCommand(asked.name, asked.args, process.env);
    break;
  }
  case "version": {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")) as { version: string };
    process.stdout.write(`carillon ${version}\n`);
    break;
  }
  default: {
    const { answerHelp } = await import("./answer-help.ts");
    process.exitCode = await answerHelp(asked);
  }
}

async function runRole(name: string, args: readonly string[]): Promise<void> {
  if (args.length > 0) {
    process.stderr.write(`carillon ${name}: takes no arguments: it reads environment variables (carillon config ${name})\n`);
    process.exitCode = EXIT.usage;
    return;
  }
  const [{ runUntilSignal }, { roleLoader }] = await Promise.all([import("../runtime/until-signal.ts"), import("./roles.ts")]);
  // Signal handlers are installed before the role's modules load: a process with PID 1 ignores signals without a handler.
  await runUntilSignal(async () => (await roleLoader(name)!()).start(process.env));
}
