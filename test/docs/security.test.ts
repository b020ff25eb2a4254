// The numbers of docs/security.md are those of the code.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/security.md"), "utf8");

interface Row {
  limit: string;
  value: string;
  name: string;
  path: string;
}
const ROW = /^\| ([^|]+) \| ([^|]+) \| `(\w+)` in \[[^\]]+\]\(\.\.\/([^)]+)\) \|$/gm;
const rows = [...page.matchAll(ROW)].map(([, limit = "", value = "", name = "", path = ""]): Row => ({ limit, value, name, path }));

const UNITS: Readonly<Record<string, number>> = { "": 1, ms: 1, s: 1_000, KiB: 1_024, MiB: 1_048_576 };

/** "16 MiB" in bytes, "5 s" in ms, "1,000" as it is. */
function numberOf(value: string): number {
  const [, digits = "none", unit = ""] = /^([\d,.]+) ?([A-Za-z]*)$/.exec(value) ?? [];
  return Number(digits.replaceAll(",", "")) * (UNITS[unit] ?? Number.NaN);
}

/** A constant, a field or a variable's default of a source file: numbers, and products of numbers and of constants beside it. */
function valueIn(source: string, name: string): number {
  const [, expression] = new RegExp(`(?:const ${name} = |\\b${name}: )([\\d_]+(?: \\*\\*? [\\w]+)*|[A-Z_]+)[;,]`).exec(source) ?? [];
  const [, byDefault] = new RegExp(`\\b${name}: \\w+\\([^"]*?default: "(\\d+)"`).exec(source) ?? [];
  if (expression === undefined) return Number(byDefault);
  const of = (text: string) => (/^\d/.test(text) ? Number(text.replaceAll("_", "")) : valueIn(source, text));
  const power = (factor: string) =>
    factor
      .split(" ** ")
      .map(of)
      .reduce((base, exponent) => base ** exponent);
  return expression
    .split(" * ")
    .map(power)
    .reduce((product, factor) => product * factor);
}

test("every number of a table of limits is that of the constant beside it", () => {
  assert.equal(rows.length, page.match(/^\|.*` in \[/gm)?.length, "every row of a constant is read");
  assert.ok(rows.length > 30);
  for (const { limit, value, name, path } of rows)
    assert.equal(numberOf(value), valueIn(readFileSync(join(root, path), "utf8"), name), `${limit}: ${name} in ${path}`);
});

test("the terms of each promised time add up to it", () => {
  const ms = (name: string) => numberOf(rows.find((row) => row.name === name)!.value);
  assert.equal(ms("KEY_CACHE_MS_MAX") + ms("LOOKUP_MS_MAX"), 5_000);
  assert.equal(ms("trustMs") + ms("cacheMs") + ms("askToSendMs") + ms("sendMs"), 5_000);
});

test("a wrong number would be noticed", () => {
  assert.equal(valueIn("export const A_MAX = 16 * MIB;\nconst MIB = 1024 * 1024;", "A_MAX"), 16 * 1_048_576);
  assert.equal(valueIn("const A_MAX = 4 * 1_024 ** 2;", "A_MAX"), 4 * 1_048_576);
  assert.equal(valueIn('X: integer(1, 9, {\n default: "7",', "X"), 7);
  assert.equal(valueIn("{ trustMs: 3_000, }", "trustMs"), 3_000);
  assert.ok(Number.isNaN(valueIn("const OTHER = 1;", "A_MAX")));
  assert.ok(Number.isNaN(numberOf("many")));
});
