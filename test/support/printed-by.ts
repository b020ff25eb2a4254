import assert from "node:assert/strict";
import type { Command } from "../../cli/command.ts";
import { readArguments } from "../../cli/read-arguments.ts";
import type { Environment } from "../../runtime/config.ts";

/** The exit status of a command of the CLI, and what it prints. */
export async function ranBy(command: Command, env: Environment, ...args: string[]): Promise<{ status: number; text: string }> {
  const given = readArguments(command, args);
  const written: string[] = [];
  const write = process.stdout.write;
  // The test runner's own messages are bytes.
  process.stdout.write = ((...given: Parameters<typeof write>) =>
    typeof given[0] === "string" ? written.push(given[0]) > 0 : write.apply(process.stdout, given)) as typeof write;
  try {
    const status = await command.run({ ...given, env });
    return { status, text: written.join("") };
  } finally {
    process.stdout.write = write;
  }
}

/** What a command of the CLI prints; its exit status must be 0. */
export async function printedBy(command: Command, env: Environment, ...args: string[]): Promise<string> {
  const { status, text } = await ranBy(command, env, ...args);
  assert.equal(status, 0);
  return text;
}
