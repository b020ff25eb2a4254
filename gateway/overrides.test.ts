import assert from "node:assert/strict";
import { test } from "node:test";
import { appOf } from "../test/support/quota-world.ts";
import { createOverrideCount, overrideError } from "./overrides.ts";

const push = { title: "t", body: "b", data: {} };
const content = {
  push: { ...push, overrides: { apnsHeaders: { "apns-priority": "5" }, fcm: { fcm_options: {} } } },
  sms: { text: "t", overrides: { twilio: { MaxPrice: 1 } } },
};

test("an app may override only what its limits name, and is told what to set", () => {
  const error = overrideError(appOf({ overrides: ["fcm"] }), content, "notifications[0]");
  assert.deepEqual(
    [error?.code, error?.reason, error?.fields?.[0]?.field],
    ["FAILED_PRECONDITION", "OVERRIDE_NOT_ENABLED", "notifications[0].content.push.overrides.apns"],
  );
  assert.match(error?.message ?? "", /may not override what apns, twilio is sent; .* app limits set app --overrides fcm,apns,twilio$/);
  assert.equal(overrideError(appOf({ overrides: ["fcm", "apns", "twilio"] }), content, "n"), undefined);
  assert.equal(overrideError(appOf({}), { push }, "n"), undefined);
});

test("overrides are counted by provider and outermost key; what callers invent is one series", () => {
  const counted: string[] = [];
  const count = createOverrideCount({
    inc: ({ provider, key }: { provider: string; key: string }) => counted.push(`${provider} ${key}`),
  } as never);
  count(content);
  assert.deepEqual(counted, ["apns apns-priority", "fcm fcm_options", "twilio MaxPrice"]);
  counted.length = 0;
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key${i}`, 1]));
  count({ push: { ...push, overrides: { webpush: { ...many, "a b": 1, ["x".repeat(65)]: 1 } } } });
  assert.equal(new Set(counted).size, 41);
  assert.ok(counted.includes("webpush other"));
});
