import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Environment } from "../../runtime/config.ts";
import { foreignText, withoutExports, writeExports } from "./exports.ts";

const addresses = { CARILLON_ADDRESS: "127.0.0.1:7700", CARILLON_API_KEY_FILE: "/a key", CARILLON_HEALTH: "relay=127.0.0.1:1" };
/** What a person had set before the system was started. */
const given = { STORE_URL: "mongodb://127.0.0.1/bells", LOG_LEVEL: "warn" };

let directory: string;
/** That has read the file of exports. */
let terminal: Environment;
before(() => {
  directory = mkdtempSync(join(tmpdir(), "carillon-exports-"));
  const env = { ...given, NATS_URL: "nats://127.0.0.1:4", REDIS_URL: "redis://127.0.0.1:5", SENDGRID_API_KEY_FILE: "key" };
  const lines = readFileSync(writeExports(directory, addresses, { env, given }), "utf8").matchAll(/^export (\w+)='?(.*?)'?$/gm);
  terminal = Object.fromEntries([...lines].map(([, name, value]) => [name!, value!]));
});
after(() => rmSync(directory, { recursive: true }));

test("the file leads commands to the system, and shows no value twice", () => {
  const { CARILLON_EXPORTS: marks = "", CARILLON_EXPORTS_OF: of, ...rest } = terminal;
  assert.deepEqual(rest, {
    ...{ ...addresses, STORE_URL: given.STORE_URL, NATS_URL: "nats://127.0.0.1:4", REDIS_URL: "redis://127.0.0.1:5" },
    SENDGRID_API_KEY_FILE: join(process.cwd(), "key"),
  });
  assert.equal(of, directory);
  for (const value of Object.values(rest)) assert.equal(marks.includes(value!), false);
});

test("what `up` chose is no order for the next one of its directory; what it was told is, and so is what is told it now", () => {
  const { env, foreign } = withoutExports(directory, { HOME: "/home", ...terminal });
  assert.deepEqual([env, foreign], [{ HOME: "/home", STORE_URL: given.STORE_URL }, []]);
  const own = withoutExports(directory, { ...terminal, NATS_URL: "nats://10.0.0.1" });
  assert.deepEqual(own.env, { STORE_URL: given.STORE_URL, NATS_URL: "nats://10.0.0.1" });
  assert.deepEqual(withoutExports(directory, given).env, given, "no file was read");
});

test("what the system of another directory has set is no order at all, and is named; what a person sets is one", () => {
  const other = withoutExports(`${directory}2`, { HOME: "/home", ...terminal, REDIS_URL: "redis://10.0.0.1" });
  assert.deepEqual(other.env, { HOME: "/home", REDIS_URL: "redis://10.0.0.1" });
  assert.deepEqual(foreignText(other), [
    `  ignores NATS_URL, SENDGRID_API_KEY_FILE, STORE_URL: this terminal has them from the system in ${directory}`,
  ]);
  const four = { env: {}, foreign: ["A", "B", "C", "D"], from: "/x" };
  assert.deepEqual(foreignText(four), ["  ignores A, B, C and 1 more: this terminal has them from the system in /x"]);
  assert.deepEqual(foreignText(withoutExports(`${directory}2`, given)), []);
});
