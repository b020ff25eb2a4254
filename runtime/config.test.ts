import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError, choice, flag, integer, list, listOf, ms, readConfig, secretFile, text, url } from "./config.ts";

const reason = "for the test";
const variables = {
  NAME: text({ reason }),
  WAIT_MS: ms(1, 100, { default: "5", reason }),
  COUNT: integer(-1, 3, { default: "2", reason }),
  ON: flag({ default: "false", reason }),
  LEVEL: choice(["low", "high"], { default: "low", reason }),
  URL: url(["https"], { default: "https://a.example", reason }),
  HOSTS: list(undefined, { default: "a, b", reason }),
  KEY_FILE: secretFile({ default: "", reason }),
};

test("reads defaults and what is set, typed", () => {
  const config = readConfig(variables, { NAME: "n", COUNT: "3", ON: "true" });
  assert.deepEqual(
    { ...config },
    { NAME: "n", WAIT_MS: 5, COUNT: 3, ON: true, LEVEL: "low", URL: "https://a.example", HOSTS: ["a", "b"], KEY_FILE: "" },
  );
  assert.ok(Object.isFrozen(config));
});

test("a list may have a rule for its items", () => {
  const EVEN = listOf((item) => item.length % 2 === 0, "even words", { default: "ab, cdef", reason });
  assert.deepEqual([...readConfig({ EVEN }, {}).EVEN], ["ab", "cdef"]);
  assert.throws(() => readConfig({ EVEN }, { EVEN: "ab, hunter2" }), /EVEN: may hold even words; what is set has 11 characters/);
});

test("reports every mistake at once, each with its variable and rule, none with its value", () => {
  const env = { WAIT_MS: "hunter2", COUNT: "9", ON: "maybe", LEVEL: "hunter2", URL: "http://hunter2", KEY_FILE: "/nowhere/hunter2" };
  assert.throws(
    () => readConfig(variables, env),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.faults.map((f) => f.split(":")[0]).sort(), ["COUNT", "KEY_FILE", "LEVEL", "NAME", "ON", "URL", "WAIT_MS"]);
      assert.match(error.message, /WAIT_MS: must be an integer from 1 to 100; what is set has 7 characters/);
      assert.match(error.message, /KEY_FILE: the file cannot be read \(ENOENT\)/);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    },
  );
});

test("a secret is what its file holds, and an empty file is a mistake", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "carillon-config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "key"), "s3cret\n");
  writeFileSync(join(folder, "empty"), "\n");
  assert.equal(readConfig(variables, { NAME: "n", KEY_FILE: join(folder, "key") }).KEY_FILE, "s3cret");
  assert.throws(() => readConfig(variables, { NAME: "n", KEY_FILE: join(folder, "empty") }), /KEY_FILE: the file is empty/);
});
