import assert from "node:assert/strict";
import { test } from "node:test";
import { apnsPayload } from "../../core/push-payload.ts";
import { samplePush } from "../../test/support/delivery-samples.ts";
import { buildApnsNotification, collapseId } from "./payload.ts";

const push = samplePush({ channel: "apns", token: "00ff" }, { expiresAt: 1_700_000_000_999 });
const content = push.content.push!;

test("the body is the payload whose bytes the gateway counted", () => {
  const ids = { delivery: push.deliveryId, attempt: push.attemptId };
  assert.equal(JSON.stringify(buildApnsNotification(push, "00ff", content).buildApnsOptions()), JSON.stringify(apnsPayload(content, ids)));
});

test("priorities are 10, 5 and 1", () => {
  const priority = (p: "high" | "normal" | "low") => buildApnsNotification({ ...push, priority: p }, "00ff", content).priority;
  assert.deepEqual([priority("high"), priority("normal"), priority("low")], [10, 5, 1]);
});

test("expires at the whole second before", () => {
  assert.equal(buildApnsNotification(push, "00ff", content).options.expiration, 1_700_000_000);
});

test("a collapse key APNs would not take is replaced by its hash", () => {
  assert.equal(collapseId("order-7"), "order-7");
  assert.equal(collapseId("x".repeat(64)), "x".repeat(64));
  for (const key of ["x".repeat(65), "Bestellung für 7", "a\r\nb"]) assert.match(collapseId(key), /^[0-9a-f]{64}$/);
  assert.notEqual(collapseId("x".repeat(65)), collapseId("x".repeat(66)));
});
