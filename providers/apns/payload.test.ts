import assert from "node:assert/strict";
import { test } from "node:test";
import { apnsPayload } from "../../core/content/push.ts";
import { samplePush } from "../../test/support/delivery-samples.ts";
import { buildApnsPush } from "./payload.ts";

const push = samplePush({ channel: "apns", token: "00ff" }, { expiresAt: 1_700_000_000_999 });
const content = push.content.push!;

test("the body is the payload whose bytes the gateway counted", () => {
  const ids = { delivery: push.deliveryId, attempt: push.attemptId };
  assert.equal(buildApnsPush(push, "00ff", content).body, JSON.stringify(apnsPayload(content, ids)));
});

test("priorities are 10, 5 and 1", () => {
  const priority = (p: "high" | "normal" | "low") => buildApnsPush({ ...push, priority: p }, "00ff", content).headers["apns-priority"];
  assert.deepEqual([priority("high"), priority("normal"), priority("low")], ["10", "5", "1"]);
});

test("expiry is rounded down to a whole second", () => {
  assert.equal(buildApnsPush(push, "00ff", content).headers["apns-expiration"], "1700000000");
});

test("always has a collapse id, so that a repeated attempt replaces its twin", () => {
  const collapseId = (collapseKey?: string) => buildApnsPush({ ...push, collapseKey }, "00ff", content).headers["apns-collapse-id"];
  assert.equal(collapseId(), push.deliveryId);
  assert.equal(collapseId("order-7"), "shop/order-7");
});

test("data alone are sent as a background push, of the one priority that Apple takes for it", () => {
  const silent = { ...content, title: "", body: "" };
  for (const priority of ["high", "normal", "low"] as const) {
    const built = buildApnsPush({ ...push, priority }, "00ff", silent);
    assert.deepEqual(
      [built.headers["apns-push-type"], built.headers["apns-priority"], JSON.parse(built.body).aps],
      ["background", "5", { "content-available": 1 }],
    );
  }
  assert.equal(buildApnsPush(push, "00ff", { ...silent, body: "Dinner" }).headers["apns-push-type"], "alert");
});
