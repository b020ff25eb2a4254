import assert from "node:assert/strict";
import { test } from "node:test";
import { accountStateOf, pausedUntil, pauseOf, type SteeredFacts, type SteeringRecord } from "./steering.ts";
import { readTarget, type Target, targetKey } from "./target.ts";

const NOW = 1_000_000;
const PROVIDERS = ["twilio", "vonage", "fcm"];
const record = (target: string, over: Partial<SteeringRecord> = {}): SteeringRecord => ({
  ...{ target: readTarget(target, PROVIDERS) as Target, state: "paused", actor: "a", reason: "r", at: 0 },
  ...over,
});
const facts: SteeredFacts = { app: "shop", channel: "sms", notificationClass: "critical" };

const PAUSES: readonly (readonly [what: string, records: SteeringRecord[], held: string | undefined])[] = [
  ["nothing is paused", [], undefined],
  ["its channel", [record("sms")], "channel:sms"],
  ["another channel", [record("fcm")], undefined],
  ["its class, critical too", [record("critical")], "class:critical"],
  ["its app", [record("app:shop")], "app:shop"],
  ["an app that is named as the channel", [record("app:sms")], undefined],
  ["an account, which is known later", [record("account:twilio")], undefined],
  ["a pause that was ended", [record("sms", { state: "resumed" })], undefined],
  ["a pause that ends now", [record("sms", { until: NOW })], undefined],
  ["a pause that ends in a moment", [record("sms", { until: NOW + 1 })], "channel:sms"],
  ["the first of two", [record("sms", { state: "resumed" }), record("app:shop")], "app:shop"],
];
for (const [what, records, held] of PAUSES)
  test(`a delivery is held: ${what}`, () => {
    const target = pauseOf(facts, records, NOW);
    assert.equal(target && targetKey(target), held);
  });

const ACCOUNTS: readonly (readonly [records: SteeringRecord[], state: string])[] = [
  [[], "open"],
  [[record("twilio")], "paused"],
  [[record("twilio/eu")], "paused"],
  [[record("twilio/default")], "open"],
  [[record("vonage")], "open"],
  [[record("twilio", { state: "drained" })], "drained"],
  [[record("twilio", { state: "drained" }), record("twilio/eu")], "paused"],
  [[record("twilio", { state: "resumed" })], "open"],
];
test("an account is paused by its own name or its provider's, and a pause counts more than a drain", () => {
  for (const [records, state] of ACCOUNTS) assert.equal(accountStateOf({ name: "twilio", account: "eu" }, records, NOW).state, state);
});

test("what is paused waits for 15 min or half as long again, and never beyond its expiry", () => {
  const day = { expiresAt: NOW + 86_400_000 };
  assert.deepEqual([pausedUntil(day, NOW, 0), pausedUntil(day, NOW, 0.999) <= NOW + 1_350_000], [NOW + 900_000, true]);
  for (const ms of [0, 1, 500, 5_000, 60_000, 900_000]) {
    const at = pausedUntil({ expiresAt: NOW + ms }, NOW, 0.5);
    assert.ok(at <= NOW + ms && at >= NOW, `${ms}`);
  }
});

test("a target is read by its key, or by the name alone of a channel, a class or an account", () => {
  for (const [text, key] of [
    ["channel:sms", "channel:sms"],
    ["fcm", "channel:fcm"],
    ["marketing", "class:marketing"],
    ["app:shop", "app:shop"],
    ["twilio", "account:twilio"],
    ["account:fcm/eu", "account:fcm/eu"],
  ] as const) {
    const target = readTarget(text, PROVIDERS);
    assert.equal("fault" in target ? target.fault : targetKey(target), key);
  }
});

test("anything else is refused in words; there is no target for everything", () => {
  for (const text of [
    "",
    "*",
    "all",
    "channel:",
    "channel:fax",
    "class:urgent",
    "app:",
    "app:a b",
    "account:mail",
    "twilio/",
    "twilio/EU",
    "twilio/a/b",
    "tenant:x",
  ])
    assert.ok("fault" in readTarget(text, PROVIDERS), text);
});
