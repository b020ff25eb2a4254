// docs/reliability.md holds the figures of the last `make faults`; its words are those of the program that writes it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { page } from "../faults/page.ts";
import { ALL_ROWS } from "../faults/rows.ts";

const written = readFileSync(join(import.meta.dirname, "../../docs/reliability.md"), "utf8");

test("docs/reliability.md explains itself in the words of page.ts", () => {
  const date = /written by `make faults` on\s+(\d{4}-\d{2}-\d{2})/.exec(written)?.[1] ?? assert.fail("no date");
  const [head = "", tail = ""] = page([], new Date(date)).split(/(?=^## Not run)/m);
  assert.ok(written.startsWith(head.trimEnd()));
  assert.ok(written.endsWith(tail));
});

test("docs/reliability.md says of each row what the row does", () => {
  const rows = [...written.matchAll(/^\| ([a-z0-9-]+) \| ([^|]+) \| \d/gm)].map(([, name = "", about]) => [name, about]);
  assert.ok(rows.length > ALL_ROWS.length);
  for (const [name, about] of rows) assert.equal(about, ALL_ROWS.find((row) => row.name === name)?.about, name);
});
