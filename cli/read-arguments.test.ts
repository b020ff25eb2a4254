import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "./command.ts";
import { readArguments } from "./read-arguments.ts";

const COMMAND = {
  usage: "ID [--for 10m] [--tag KEY=VALUE]... [--json]",
  options: { for: { type: "string" }, text: { type: "string" }, tag: { type: "string", multiple: true }, json: { type: "boolean" } },
} as const;
const read = (...args: string[]) => readArguments(COMMAND, args);

test('a value may begin with "-": what is wrong with it is for the option to say', () => {
  assert.deepEqual({ ...read("--for", "-5s", "--text", "-- Ann", "id").values }, { for: "-5s", text: "-- Ann" });
  assert.deepEqual({ ...read("--text", "-", "--json").values }, { text: "-", json: true });
  assert.deepEqual({ ...read("--tag", "-a=1", "--tag", "b=2").values }, { tag: ["-a=1", "b=2"] });
  assert.deepEqual([...read("--", "--for").positionals], ["--for"]);
});

test("a mistake of the options is said in words, with the option's name", () => {
  const mistakes: [args: string[], says: RegExp][] = [
    [["--for"], /^--for has no value: write --for=VALUE$/],
    [["--text", "--json"], /^--text has no value: write --text=VALUE$/],
    [["--text", "--for=5s"], /^--text has no value: write --text=VALUE$/],
    [["--json=yes"], /^--json takes no value$/],
    [["--for", "5s", "--for=6s"], /^--for is given twice$/],
    [["--fro", "5s"], /^unknown option --fro; did you mean --for\?$/],
    [["--text", "x", "-5s"], /^unknown option -5/],
    [["a", "b"], /^"b" is one argument too many/],
  ];
  for (const [args, says] of mistakes)
    assert.throws(
      () => read(...args),
      (error) => error instanceof UsageError && says.test(error.message),
      args.join(" "),
    );
});
