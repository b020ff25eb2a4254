import assert from "node:assert/strict";
import { test } from "node:test";
import { circuitsOf, countryOf, evidenceOf, isAppCircuit } from "./circuit-scope.ts";
import type { Endpoint } from "./endpoint.ts";
import { notCalled, type Outcome, type Scope, unsendable } from "./outcome.ts";

const phone: Endpoint = { channel: "sms", phoneNumber: "+4915112345678" };
const token: Endpoint = { channel: "fcm", token: "t" };
const device: Endpoint = { channel: "apns", token: "ab" };
const debugDevice: Endpoint = { channel: "apns", token: "ab", application: "com.example.shop", environment: "development" };
const browser: Endpoint = { channel: "webpush", pushUrl: "https://push.example.com/a", p256dh: "p", auth: "a" };

const COUNTRIES: readonly [number: string, country: string][] = [
  ["+4915112345678", "+49"],
  ["+390612345678", "+39"],
  ["+35312345678", "+353"],
  ["+12125550100", "+1212"],
  ["+18765550100", "+1876"],
  ["+77011234567", "+7701"],
  ["+79161234567", "+7916"],
  ["+8613800138000", "+86"],
  ["+85212345678", "+852"],
  ["+2348012345678", "+234"],
  ["+27821234567", "+27"],
  ["+201001234567", "+20"],
  ["+971501234567", "+971"],
  ["+989121234567", "+98"],
];
test("a number's country is its calling code, and more where countries share one", () => {
  for (const [number, country] of COUNTRIES) assert.equal(countryOf(number), country, number);
});

test("a text depends on its account, its sender, its country and its app, a browser push on its push service and its app", () => {
  assert.deepEqual(circuitsOf(phone, "shop"), ["account", "sender", "country +49", "app shop"]);
  assert.deepEqual(circuitsOf(token, "shop"), ["account", "app shop"]);
  assert.deepEqual(circuitsOf(browser, "shop"), ["origin push.example.com", "app shop push.example.com"]);
  assert.deepEqual(circuitsOf({ channel: "email", address: "a@example.org" }, "shop"), ["account", "app shop"]);
});

test("pushes to tokens of Apple's development environment, and to each application, have circuits of their own", () => {
  assert.deepEqual(circuitsOf(device, "shop"), ["account", "app shop"]);
  assert.deepEqual(circuitsOf(debugDevice, "shop"), ["development", "topic com.example.shop development", "app shop"]);
  const topic: Endpoint = { channel: "apns", token: "ab", application: "com.example.shop" };
  assert.deepEqual(circuitsOf(topic, "shop"), ["account", "topic com.example.shop production", "app shop"]);
  const voip = { ...topic, kind: "voip" } as const;
  assert.deepEqual(circuitsOf(voip, "shop"), ["account", "topic com.example.shop voip production", "app shop"]);
  assert.deepEqual(circuitsOf({ ...voip, application: undefined }, "shop"), ["account", "topic voip production", "app shop"]);
});

test("an account's senders have circuits of their own, beside the default one's", () => {
  assert.deepEqual(circuitsOf(phone, "shop", "orders@+49"), ["account", "sender orders@+49", "country +49", "app shop"]);
  const sayings = [...evidenceOf(misconfigured("sender"), phone, "shop", "orders")].map(([circuit, { kind }]) => `${circuit}: ${kind}`);
  assert.deepEqual(sayings, ["account: answered", "sender orders: failure", "country +49: neutral", "app shop: neutral"]);
  const unknown: Outcome = { kind: "rejected", reason: "unknown-sender", notCalled: true };
  assert.deepEqual(new Set([...evidenceOf(unknown, phone, "shop").values()].map(({ kind }) => kind)), new Set(["neutral"]));
});

const misconfigured = (scope?: Scope): Outcome => ({ kind: "misconfigured", reason: "no", ...(scope ? { scope } : {}) });
const fault = { code: "http-503" };
const FINDINGS: readonly [what: string, outcome: Outcome, endpoint: Endpoint, findings: Record<string, string>][] = [
  ["an acceptance", { kind: "accepted", providerRef: "r" }, phone, { account: "success", sender: "success", "country +49": "success" }],
  ["wrong credentials", misconfigured(), phone, { account: "setup", sender: "neutral", "country +49": "neutral" }],
  [
    "a country that is not enabled",
    misconfigured("destination-country"),
    phone,
    { account: "answered", sender: "neutral", "country +49": "setup" },
  ],
  ["an account without applications whose topic is wrong", misconfigured("sender"), device, { account: "setup" }],
  [
    "an application that the key is not for",
    misconfigured("sender"),
    debugDevice,
    { development: "answered", "topic com.example.shop development": "setup" },
  ],
  [
    "what was rejected without a call",
    { kind: "rejected", reason: "unknown-application", notCalled: true },
    device,
    { account: "neutral", app: "neutral" },
  ],
  ["a sender that may not send", misconfigured("sender"), phone, { account: "answered", sender: "setup", "country +49": "neutral" }],
  [
    "a number that is not on the list",
    misconfigured("endpoint"),
    phone,
    { account: "answered", sender: "neutral", "country +49": "neutral", app: "ambiguous" },
  ],
  ["another sender's browsers", misconfigured("endpoint"), browser, { "origin push.example.com": "answered", app: "ambiguous" }],
  ["iPhones only", misconfigured("target-platform"), token, { account: "answered" }],
  ["another project's token", misconfigured("endpoint"), token, { account: "answered", app: "ambiguous" }],
  ["an outage", { kind: "unavailable", fault }, token, { account: "service" }],
  ["an outage of a push service", { kind: "unavailable", fault }, browser, { "origin push.example.com": "service" }],
  ["too many pushes to a device", { kind: "throttled", retryAfterMs: 1, reason: "429", scope: "endpoint" }, token, { account: "answered" }],
  ["too many calls", { kind: "throttled", retryAfterMs: 1, reason: "429" }, token, { account: "service" }],
  ["silence", { kind: "unanswered", fault: { code: "deadline" } }, token, { account: "service" }],
  ["a defect of ours", { kind: "unanswered", fault: { code: "adapter-fault" } }, token, { account: "neutral" }],
  ["no call", notCalled("worker-paused"), token, { account: "neutral" }],
  ["content that is rejected", { kind: "rejected", reason: "no" }, token, { account: "answered" }],
  ["a dead endpoint", { kind: "endpoint-gone", reason: "no", goneAt: undefined }, browser, { "origin push.example.com": "answered" }],
];
/** What an app's own circuit is told, unless the answers may be about its endpoints. */
function appFinding(outcome: Outcome): string {
  if (outcome.kind === "accepted") return "success";
  return outcome.kind === "rejected" || outcome.kind === "endpoint-gone" ? "answered" : "neutral";
}
for (const [what, outcome, endpoint, findings] of FINDINGS)
  test(`${what} says of each circuit what it shows`, () => {
    const found = [...evidenceOf(outcome, endpoint, "shop")].map(([name, e]) => [
      isAppCircuit(name) ? "app" : name,
      e.kind === "failure" ? e.fault : e.kind,
    ]);
    assert.deepEqual(Object.fromEntries(found), { app: appFinding(outcome), ...findings });
  });

test("what nothing of ours can send says nothing about the provider, so that it closes no circuit", () => {
  for (const endpoint of [phone, token, browser]) {
    const sayings = [...evidenceOf(unsendable("payload-too-large"), endpoint, "shop").values()];
    assert.deepEqual(new Set(sayings.map(({ kind }) => kind)), new Set(["neutral"]));
  }
});
