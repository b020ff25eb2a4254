import assert from "node:assert/strict";
import type { Command } from "../../cli/command.ts";
import { readArguments } from "../../cli/read-arguments.ts";
import type { Environment } from "../../runtime/config.ts";

/** What a command of the CLI prints; its exit status must be 0. */
export async function printedBy(command: Command, env: Environment, ...args: string[]): Promise<string> {
  const given = readArguments(command, args);
  const written: string[] = [];
  const write = process.stdout.write;
  // The test runner's own messages are bytes.
  process.stdout.write = ((...given: Parameters<typeof write>) =>
    typeof given[0] === "string" ? written.push(given[0]) > 0 : write.apply(process.stdout, given)) as typeof write;
  try {
    assert.equal(await command.run({ ...given, env }), 0);
  } finally {
    process.stdout.write = write;
  }
  return written.join("");
}
