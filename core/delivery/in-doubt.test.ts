import assert from "node:assert/strict";
import { test } from "node:test";
import { FCM_PAYLOAD_BYTES_MAX } from "../content/limits.ts";
import { pushPayloadBytes } from "../content/push.ts";
import type { PushContent } from "../content/push-content.ts";
import { CHANNELS, CLASSES, isPush } from "./channel.ts";
import { STATUS_QUERY_FIRST_MS, UNCERTAIN_WAIT_MS } from "./decide.ts";
import { decideUncertain, IN_DOUBT_REPEATS, type InDoubtSituation, STATUS_QUERY_BOUND_CRITICAL_MS, uncertainWaitMs } from "./in-doubt.ts";

const NOW = 1_000_000;
const shown = { push: { title: "t", body: "b", data: {} } };
const situation: InDoubtSituation = {
  ...{ channel: "apns", notificationClass: "transactional", content: shown, policyResend: false },
  ...{ now: NOW, expiresAt: NOW + 60_000, repeats: IN_DOUBT_REPEATS },
};
const isRepeated = (over: Partial<InDoubtSituation>) => decideUncertain({ ...situation, ...over }).kind === "retry";

test("what is critical is repeated once, and a transactional push, whose copy replaces it; marketing, texts and mails are not", () => {
  const repeated = CHANNELS.flatMap((channel) =>
    CLASSES.flatMap((notificationClass) => (isRepeated({ channel, notificationClass }) ? [`${channel}:${notificationClass}`] : [])),
  );
  const pushes = CHANNELS.filter(isPush).flatMap((channel) => [`${channel}:critical`, `${channel}:transactional`]);
  assert.deepEqual(repeated, [...pushes, "sms:critical", "email:critical"]);
});

test("nothing is repeated twice, after its expiry, or where the configuration says so", () => {
  for (const notificationClass of CLASSES) {
    assert.equal(isRepeated({ notificationClass, policyResend: true }), false);
    assert.equal(isRepeated({ notificationClass, expiresAt: NOW }), false);
    assert.equal(isRepeated({ notificationClass, repeats: { ...IN_DOUBT_REPEATS, apns: [] } }), false);
  }
  assert.equal(isRepeated({ notificationClass: "marketing", repeats: { ...IN_DOUBT_REPEATS, apns: ["marketing"] } }), true);
});

test("a push that the device does not show, or that has no room for its tag, is repeated only where it is critical", () => {
  const silent = { push: { title: "", body: "", data: { a: "b" } } };
  const full = { push: { ...shown.push, body: "b".repeat(FCM_PAYLOAD_BYTES_MAX - pushPayloadBytes("fcm", shown.push)) } };
  for (const over of [
    { channel: "apns", content: silent },
    { channel: "fcm", content: silent },
    { channel: "webpush", content: silent },
    { channel: "fcm", content: full },
    { channel: "fcm", content: {} },
  ] as const) {
    assert.equal(isRepeated(over), false);
    assert.equal(isRepeated({ ...over, notificationClass: "critical" }), true);
  }
  assert.equal(isRepeated({ channel: "apns", content: full }), true);
});

test("under a key of the caller's only what is critical is repeated: the copy could replace a newer push", () => {
  for (const channel of CHANNELS.filter(isPush)) {
    assert.equal(isRepeated({ channel, collapseKey: "order-7" }), false);
    assert.equal(isRepeated({ channel, collapseKey: "order-7", notificationClass: "critical" }), true);
  }
});

test("nothing replaces a push whose override may have made it another one", () => {
  const over = (overrides: PushContent["overrides"]) => ({ content: { push: { ...shown.push, overrides } } });
  assert.equal(isRepeated({ ...over({ apns: { aps: { alert: null } } }) }), false);
  assert.equal(isRepeated({ ...over({ apnsHeaders: { "apns-push-type": "background" } }) }), false);
  assert.equal(isRepeated({ channel: "webpush", ...over({ webpush: { notification: null } }) }), false);
  assert.equal(isRepeated({ channel: "fcm", ...over({ fcm: { notification: null } }) }), false);
  assert.equal(isRepeated({ channel: "fcm", ...over({ fcm: { android: { notification: { ticker: "t" } } } }) }), true);
  assert.equal(isRepeated({ channel: "fcm", ...over({ fcm: { apns: { payload: { aps: { alert: null } } } } }) }), false);
});

const NOTHING = { statusQueryTellsMs: undefined, sendsReceipts: false };
const waitOf = (over: Partial<InDoubtSituation>, confirmation = {}) =>
  uncertainWaitMs({ ...situation, ...over }, { ...NOTHING, ...confirmation }, UNCERTAIN_WAIT_MS);

test("a push that will be repeated does not wait for what never comes", () => {
  assert.equal(waitOf({}), STATUS_QUERY_FIRST_MS);
  assert.equal(waitOf({ notificationClass: "critical" }), STATUS_QUERY_FIRST_MS);
  assert.equal(waitOf({}, { sendsReceipts: true }), UNCERTAIN_WAIT_MS.transactional);
  assert.equal(waitOf({ notificationClass: "marketing" }), UNCERTAIN_WAIT_MS.marketing);
  assert.equal(waitOf({ channel: "email", notificationClass: "critical" }), UNCERTAIN_WAIT_MS.critical);
});

test("the wait follows the status query, within what the class allows; what is not repeated has time", () => {
  const [soon, late] = [
    { statusQueryTellsMs: 15_000, sendsReceipts: true },
    { statusQueryTellsMs: 87_000, sendsReceipts: true },
  ];
  const critical = { channel: "sms", notificationClass: "critical" } as const;
  const wait = waitOf(critical, soon);
  assert.ok(wait > 15_000 && wait <= STATUS_QUERY_BOUND_CRITICAL_MS, `${wait}`);
  assert.equal(waitOf(critical, late), UNCERTAIN_WAIT_MS.critical, "a text that comes after a minute and a half is of no use");
  assert.equal(waitOf({ ...critical, policyResend: true }, late), UNCERTAIN_WAIT_MS.transactional);
  assert.equal(waitOf({ ...critical, expiresAt: NOW }, late), UNCERTAIN_WAIT_MS.transactional);
  const short = { ...UNCERTAIN_WAIT_MS, transactional: 10_000 };
  assert.ok(uncertainWaitMs({ ...situation, channel: "sms" }, late, short) > 87_000);
});

test("no call rings twice and no Live Activity is started twice, however urgent; of the changes of one, a copy shows nothing new", () => {
  const live = (title: string) => ({ push: { title, body: "", data: {}, liveActivity: { event: "update", contentState: {} } as const } });
  const at = (kind: "voip" | "live-activity" | "live-activity-start") => ({ endpoint: { channel: "apns", token: "ab", kind } as const });
  for (const notificationClass of CLASSES) {
    // Also where the content is kept apart.
    for (const content of [{ push: { ...shown.push, voip: true } }, {}])
      assert.equal(isRepeated({ ...at("voip"), content, notificationClass }), false);
    assert.equal(isRepeated({ ...at("live-activity-start"), content: live(""), notificationClass }), false);
  }
  assert.equal(isRepeated({ ...at("live-activity"), content: live("") }), true);
  assert.equal(isRepeated({ ...at("live-activity"), content: live("Boarding") }), false, "its alert would be heard again");
  assert.equal(isRepeated({ ...at("live-activity"), content: live("Boarding"), notificationClass: "critical" }), true);
});
