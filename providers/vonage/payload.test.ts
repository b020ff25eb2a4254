import assert from "node:assert/strict";
import { test } from "node:test";
import { SAMPLE_NOW, sampleSms } from "../../test/support/delivery-samples.ts";
import { buildVonageMessage } from "./payload.ts";

test("leaves out the plus and names the attempt", () => {
  const delivery = sampleSms();
  assert.deepEqual(buildVonageMessage(delivery, { from: "+12025550123" }, SAMPLE_NOW), {
    from: "12025550123",
    to: "447700900123",
    text: "Your code is 123456",
    type: "text",
    "client-ref": delivery.attemptId,
    ttl: 600_000,
  });
});

for (const [text, type] of [
  ["Plain, with € and {braces}", "text"],
  ["Żółć", "unicode"],
  ["👍", "unicode"],
] as const)
  test(`sends "${text}" as ${type}`, () => {
    assert.equal(buildVonageMessage(sampleSms({ text }), { from: "Carillon" }, SAMPLE_NOW)?.type, type);
  });

for (const [leftMs, ttl] of [
  [60_000, 60_000],
  [3_000, 20_000],
  [-1, 20_000],
  [9_000_000_000, 604_800_000],
] as const)
  test(`${leftMs} ms before expiry are a ttl of ${ttl} ms`, () => {
    assert.equal(buildVonageMessage(sampleSms({ expiresAt: SAMPLE_NOW + leftMs }), { from: "Carillon" }, SAMPLE_NOW)?.ttl, ttl);
  });
