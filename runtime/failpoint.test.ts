import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { crashAt } from "./failpoint.ts";

const TEST_MODE = { CARILLON_TEST_MODE: "1" };

test("without the variable, failpoints do nothing", () => {
  crashAt({})("gateway.inserted", "orders");
});

test("is rejected outside test mode, and an unknown failpoint's error lists the known ones", () => {
  assert.throws(() => crashAt({ CARILLON_FAILPOINT: "gateway.inserted" }), /CARILLON_TEST_MODE/);
  assert.throws(() => crashAt({ ...TEST_MODE, CARILLON_FAILPOINT: "gateway.nowhere" }), /unknown failpoint.*gateway\.inserted/);
});

for (const [at, dies] of [
  ["gateway.inserted", true],
  ["gateway.inserted:orders", true],
  ["gateway.inserted:news", false],
  ["gateway.published", false],
] as const) {
  test(`a process that is to die at ${at} ${dies ? "dies" : "lives"} when it has inserted orders`, () => {
    const script = `import { crashAt } from "${import.meta.resolve("./failpoint.ts")}"; crashAt(process.env)("gateway.inserted", "orders");`;
    const env = { ...process.env, ...TEST_MODE, CARILLON_FAILPOINT: at };
    const { signal, status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { env });
    assert.deepEqual([signal, status], dies ? ["SIGKILL", null] : [null, 0]);
  });
}
