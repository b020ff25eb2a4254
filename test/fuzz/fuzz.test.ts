import assert from "node:assert/strict";
import { test } from "node:test";
import { type FuzzTarget, fuzz } from "./fuzz.ts";
import { FUZZ_TARGETS } from "./targets.ts";

/** Enough to pass every seed and change each of them; `node test/fuzz/main.ts` runs for longer. */
const RUNS = 400;

for (const target of FUZZ_TARGETS)
  test(`${target.name}: no damaged input breaks what must hold`, async () => {
    const { failure } = await fuzz(target, { seed: 12, runs: RUNS });
    assert.equal(failure && `${failure.input.toString("hex")}: ${failure.error}`, undefined);
  });

/** Without coverage as a guide, each of these bytes would have to be guessed at once: one in 2^32. */
function planted(input: Buffer): void {
  if (input[0] !== 0x46) return;
  if (input[1] !== 0x55) return;
  if (input[2] !== 0x5a) return;
  if (input[3] !== 0x5a) return;
  throw new Error("found");
}

test("coverage leads to a mistake that chance alone would not find", async () => {
  const target: FuzzTarget = { name: "planted", seeds: [Buffer.from("....")], files: /fuzz\.test\.ts$/, run: planted };
  const { failure, runs } = await fuzz(target, { seed: 1, runs: 400_000 });
  assert.ok(failure, `not found in ${runs} runs`);
  assert.equal(failure.input.toString(), "FUZZ");
});
