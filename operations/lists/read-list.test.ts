import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { OperatorError } from "../../runtime/operator-error.ts";
import { type Entry, type ListFormat, type Place, readList } from "./read-list.ts";
import { type Row, shapeOf, timeOf } from "./row.ts";
import { writeList } from "./write-list.ts";

const COLUMNS = ["user_id", "category", "reason"];
const START: Place = { offset: 0, line: 0 };
const directory = mkdtempSync(join(tmpdir(), "carillon-lists-"));
after(() => rmSync(directory, { recursive: true, force: true }));

function fileOf(text: string | Buffer): string {
  const path = join(directory, "list");
  writeFileSync(path, text);
  return path;
}
const read = (text: string | Buffer, format: ListFormat, from = START) => Array.fromAsync(readList(fileOf(text), format, COLUMNS, from));
const shown = (entries: readonly Entry[]) => entries.map(({ at, row, faults }) => [at.line, row ?? faults[0]?.rule]);

const CSV = '\ufeffuser_id,reason\r\nada,"said ""no"", twice"\r\n\r\nbob,"a line\nand another"\r\nonly one\r\ncy,\r\n';
const JSONL = [
  '{"user_id":"ada","reason":"héllo"}',
  "",
  "{",
  "[1]",
  '{"user_id":7}',
  '{"name":"x"}',
  `{"user_id":"${"x".repeat(70_000)}"}`,
  '{"user_id":"bob","reason":null}',
].join("\n");

test("CSV: quotes, breaks within a value, blank lines, a byte order mark; a record with too few values is rejected", async () => {
  assert.deepEqual(shown(await read(CSV, "csv")), [
    [2, { user_id: "ada", reason: 'said "no", twice' }],
    [5, { user_id: "bob", reason: "a line\nand another" }],
    [6, "record.columns"],
    [7, { user_id: "cy" }],
  ]);
});

test("JSONL: what is no object of known texts is rejected, with its line", async () => {
  assert.deepEqual(shown(await read(JSONL, "jsonl")), [
    [1, { user_id: "ada", reason: "héllo" }],
    [3, "record.json"],
    [4, "record.json"],
    [5, "record.text"],
    [6, "record.field"],
    [7, "record.size"],
    [8, { user_id: "bob" }],
  ]);
});

test("bytes that are no UTF-8 and keys that are given twice reject their record: it would be about somebody else", async () => {
  const latin1 = Buffer.from("user_id,reason\nj\xf6rg,\nbob,left\n", "latin1");
  assert.deepEqual(shown(await read(latin1, "csv")), [
    [2, "record.utf8"],
    [3, { user_id: "bob", reason: "left" }],
  ]);
  const [, faulty] = await read(Buffer.from('{"user_id":"ada"}\n{"user_id":"j\xf6rg"}', "latin1"), "jsonl");
  assert.deepEqual(faulty?.faults, [{ field: "user_id", rule: "record.utf8", message: "must be text in UTF-8" }]);
  const [twice] = await read('{"user_id":"ada","user_id":"bob"}', "jsonl");
  assert.deepEqual(twice?.faults, [{ field: "user_id", rule: "record.twice", message: "is given twice" }]);
});

for (const [format, text] of [
  ["csv", CSV],
  ["jsonl", JSONL],
] as const)
  test(`${format}: reading goes on after any record as if it had not stopped`, async () => {
    const all = await read(text, format);
    assert.ok(all.length >= 4);
    for (const [i, { at }] of all.entries()) {
      // As it is kept in a file.
      const from = JSON.parse(JSON.stringify(at)) as Place;
      assert.deepEqual(await read(text, format, from), all.slice(i + 1), `after line ${at.line}`);
    }
  });

test("a file that cannot be read as a whole is the operator's to mend; its content is not shown", async () => {
  const says = (rule: RegExp) => (error: unknown) =>
    error instanceof OperatorError && rule.test(error.message) && !error.message.includes("secret");
  await assert.rejects(read("user_id,secret\nada,x\n", "csv"), says(/column 2 of the first line is unknown/));
  await assert.rejects(read("user_id,user_id\nada,x\n", "csv"), says(/column 2 of the first line .* named twice/));
  await assert.rejects(read('user_id\nada\n"secret\nbob\n', "csv"), says(/the CSV is broken after line \d+ \(CSV_/));
  await assert.rejects(read('user_id\nada\nbo"secret\n', "csv"), says(/the CSV is broken after line \d+ \(INVALID_OPENING_QUOTE\)/));
  await assert.rejects(Array.fromAsync(readList(join(directory, "none"), "csv", COLUMNS, START)), says(/cannot be read \(ENOENT\)/));
  await assert.rejects(Array.fromAsync(readList(join(directory, "none"), "jsonl", COLUMNS, START)), says(/cannot be read \(ENOENT\)/));
});

test("what is written is read as it was", async () => {
  const rows: Row[] = [{ user_id: "a,b", category: ' "x" ', reason: "1\r\n2" }, { user_id: "plain" }, { user_id: "é", reason: "=1+1" }];
  async function* each() {
    yield* rows;
  }
  for (const format of ["csv", "jsonl"] as const) {
    const text = (await Array.fromAsync(writeList(each(), format, COLUMNS))).join("");
    assert.deepEqual(
      (await read(text, format)).map(({ row }) => row),
      rows,
    );
  }
});

test("a value's shape says nothing of what it holds", () => {
  const SHAPES = [
    [undefined, "empty"],
    ["ada@example.org", "15 characters: letters, @, punctuation"],
    ["+4915", "5 characters: digits, punctuation"],
    ["é x\u0000\u{1f600}", "6 characters: letters, letters beyond ASCII, spaces, control characters, other characters"],
    ["7", "1 character: digits"],
  ] as const;
  for (const [value, shape] of SHAPES) assert.equal(shapeOf(value), shape);
});

test("times are ISO 8601, with a zone", () => {
  assert.equal(timeOf("1970-01-02"), 86_400_000);
  assert.equal(timeOf("1970-01-01T01:00:00.5+01:00"), 500);
  for (const text of ["yesterday", "1970-01-01T00:00:00", "1970-13-01", "1970-02-30", "1970-01-31T24:00:00Z", "12", ""])
    assert.equal(timeOf(text), undefined, text);
});
