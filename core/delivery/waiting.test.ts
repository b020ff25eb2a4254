import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delivery } from "./notification.ts";
import { waitingFor } from "./waiting.ts";

const NOW = 1_000_000;
const pending: Delivery = { id: "d", channel: "sms", endpoint: undefined, state: "pending", attempt: 1, publishCount: 0 };

const WAITING: readonly (readonly [what: string, over: Partial<Delivery>, waits: string | undefined])[] = [
  ["what was not tried", {}, "queue"],
  ["what a provider could not take", { reason: { code: "unavailable" } }, "retry"],
  ["what a provider rejects as misconfigured", { reason: { code: "misconfigured" } }, "settings"],
  ["a deferral for quiet hours", { reason: { code: "quiet-hours" } }, "quiet-hours"],
  ["a deferral for a cap", { reason: { code: "cap" } }, "cap"],
  ["what an operator paused", { reason: { code: "paused", detail: "channel:sms" } }, "paused"],
  ["an attempt in doubt", { state: "uncertain", reason: { code: "outcome-unknown" } }, "outcome"],
  ["what has ended", { state: "failed", reason: { code: "unavailable" } }, undefined],
];
for (const [what, over, waits] of WAITING)
  test(`${what} waits for ${waits ?? "nothing"}`, () => {
    assert.equal(waitingFor({ sendAt: NOW }, { ...pending, ...over }, NOW), waits);
  });

test("what is scheduled waits for its time", () => {
  assert.equal(waitingFor({ sendAt: NOW + 1 }, pending, NOW), "send-at");
});
