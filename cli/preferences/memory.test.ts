import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runCli } from "../../test/e2e/cli-process.ts";
import { UsageError } from "../command.ts";
import { readArguments } from "../read-arguments.ts";
import { MEMORY_COMMANDS } from "./memory-command.ts";
import { memoryReport } from "./memory-report.ts";

const PAGE = join(import.meta.dirname, "../../docs/capacity.md");

test("docs/capacity.md shows what the command prints for 100M users of whom 8 % opted out", async () => {
  const { code, stdout } = await runCli(["preferences", "memory", "--users", "100M", "--opt-out", "8%"]);
  assert.equal(code, 0);
  const [, shown = ""] = /```text\n\$ carillon preferences memory [^\n]*\n(.*?)```/s.exec(readFileSync(PAGE, "utf8")) ?? [];
  assert.equal(shown, stdout, "run the command again and copy its output into docs/capacity.md");
});

const MISTAKES: readonly [args: string[], says: RegExp][] = [
  [[], /--users is missing/],
  [["--users", "1M"], /--opt-out is missing/],
  [["--users", "1M", "--opt-out", "8"], /--opt-out must be a percentage from 0% to 100%/],
  [["--users", "1M", "--opt-out", "101%"], /--opt-out must be a percentage/],
  [["--users", "many", "--opt-out", "8%"], /--users must be a number/],
  [["--users", "1M", "--opt-out", "8%", "--choices", "0"], /--choices must be a number from 1 to 1000/],
];
for (const [args, says] of MISTAKES)
  test(`a mistake names the option and its rule: ${args.join(" ") || "nothing given"}`, async () => {
    const command = MEMORY_COMMANDS["preferences memory"]!;
    const given = readArguments(command, args);
    await assert.rejects(command.run({ ...given, env: {} }), (error) => error instanceof UsageError && says.test(error.message));
  });

test("the report says whether Redis' default is enough, and what is", () => {
  const of = (users: number) => memoryReport({ users, optedOut: 0.1, choices: 1, consents: 0, blocks: 0 });
  assert.match(of(1e7), /The default is enough/);
  assert.match(of(1e8), /set set-max-intset-entries to 4096, which saves \d+ MiB/);
  assert.match(of(1e9), /with set-max-intset-entries 4096, too, [\d,]+ sets are hash tables/);
});
