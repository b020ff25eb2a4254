import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { OperatorError } from "../../runtime/operator-error.ts";
import { UsageError } from "../command.ts";
import { readLines } from "./read-lines.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-read-lines-"));
after(() => rmSync(directory, { recursive: true }));

function fileOf(name: string, content: string | Buffer): string {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
}
const read = (name: string, content: string | Buffer) => Array.fromAsync(readLines(fileOf(name, content)));

test("lines end with a line feed alone, and a file may begin with a byte order mark", async () => {
  assert.deepEqual(await read("a.jsonl", '\ufeff{"a":1}\r\n\n{"text":"x\u2028y"}\n{"last":"ü"}'), [
    '{"a":1}',
    "",
    '{"text":"x\u2028y"}',
    '{"last":"ü"}',
  ]);
  assert.deepEqual(await read("empty.jsonl", ""), []);
  // A character is cut between two readings of a large file.
  const long = `${"ü".repeat(100_000)}x`;
  assert.deepEqual(await read("long.jsonl", `${long}\n${long}`), [long, long]);
  assert.deepEqual(await read("list.json", '[{"a":1},{"a":2}]'), ['{"a":1}', '{"a":2}']);
});

test("a file that cannot be read is a mistake of the command line, named without Node's words", async () => {
  for (const [path, code] of [
    [join(directory, "none.jsonl"), "ENOENT"],
    [join(directory, "none.json"), "ENOENT"],
    [directory, "EISDIR"],
    ["", "ENOENT"],
  ])
    await assert.rejects(Array.fromAsync(readLines(path!)), (error) => {
      assert.ok(error instanceof UsageError, String(error));
      assert.equal(error.message, `${path} cannot be read (${code})`);
      return true;
    });
});

test("what is no text in UTF-8 is said to be none, with the line: nothing is guessed", async () => {
  for (const bytes of [
    Buffer.from('{"a":1}\n"Gr\xfc\xdfe"\n', "latin1"),
    Buffer.from("x\n\0\n"),
    Buffer.from("x\n\u00fc").subarray(0, 3),
  ]) {
    const path = fileOf("bytes.jsonl", bytes);
    const isIt = (error: unknown) => error instanceof OperatorError && error.message.startsWith(`${path} is no text in UTF-8 at line `);
    await assert.rejects(Array.fromAsync(readLines(path)), isIt);
  }
  await assert.rejects(read("empty.json", ""), /empty\.json: is not JSON; a file with one notification a line ends in \.jsonl$/);
});
