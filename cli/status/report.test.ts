import assert from "node:assert/strict";
import { test } from "node:test";
import { type Status, statusText } from "./report.ts";

const QUIET: Status["waiting"] = {
  ...{ open: [], outbox: [{ notificationClass: "critical", count: 0, oldestMs: 0 }], failed: 0 },
  ...{ apps: [], areAppsCut: false, steering: [] },
};
const statusOf = (over: Partial<Status>): Status => ({ roles: [], waiting: undefined, queues: undefined, circuits: undefined, ...over });

const DETAILS = [
  { detail: "region-not-enabled", count: 700 },
  { detail: "no-credit", count: 400 },
];

test("what waits is listed by reason, with what to do about each", () => {
  const open = [
    { channel: "sms", state: "pending", reason: "misconfigured", details: DETAILS, count: 1_200, oldest: 0 },
    { channel: "email", state: "uncertain", reason: "outcome-unknown", details: [], count: 3, oldest: 0 },
    { channel: "apns", state: "pending", reason: "none", details: [], count: 9, oldest: 0 },
    { channel: "fcm", state: "pending", reason: "paused", details: [{ detail: "app:news", count: 2 }], count: 2, oldest: 0 },
  ] as const;
  const text = statusText(statusOf({ waiting: { ...QUIET, open: [...open], failed: 10_000 } }));
  assert.match(text, /^ +sms +pending +1200 +misconfigured: region-not-enabled \(700\), no-credit \(400\), other \(100\)$/m);
  assert.match(text, /^ +email +in doubt +3 +outcome-unknown$/m);
  assert.match(text, /^ +fcm +pending +2 +paused: app:news$/m);
  assert.match(text, /^ +misconfigured: Operator: correct it at the provider or in the configuration: region-not-enabled\. It is retried/m);
  assert.match(text, /^ +misconfigured: .*: no-credit\./m);
  assert.match(text, /^ +paused: Nothing, or operator: carillon resume app:news; it goes out/m);
  assert.doesNotMatch(text, /none: /);
  assert.match(text, /3 in doubt; 10000 or more notifications have a delivery that failed in the last 24 h/);
});

test("where nothing waits it says so, and a queue that cannot be read says why", () => {
  const queues = [
    { channel: "sms", waiting: 12, handedOut: 4, oldestMs: 2_340 },
    { channel: "email", why: "there is no stream CARILLON_EMAIL" },
  ] as const;
  const text = statusText(
    statusOf({ waiting: QUIET, queues, roles: [{ name: "relay", isReady: true, words: ["ready", "NATS: not connected"] }] }),
  );
  assert.match(text, /nothing is open: every delivery has ended/);
  assert.match(text, /^ +sms +12 +4 +2\.3 s$/m);
  assert.match(text, /^ +email +there is no stream CARILLON_EMAIL/m);
  assert.match(text, /^ +relay +ready; NATS: not connected$/m);
});

test("the apps with the most open come first, beside what is paused", () => {
  const apps = ["news", "shop", "a", "b", "c", "d", "e"].map((app, i) => ({ app, open: i === 0 ? 10_000 : 9 - i, isCut: i === 0 }));
  const target = { kind: "app", value: "news" } as const;
  const steering = [{ target, state: "paused", actor: "ada", reason: "it floods", at: 0 }] as const;
  const text = statusText(statusOf({ waiting: { ...QUIET, apps, steering } }));
  assert.match(text, /^ +app +open notifications\n.*\n +news +10000 or more\n +shop +8$/m);
  assert.match(text, /^ +c +5\n +and 2 more apps with fewer$/m);
  assert.doesNotMatch(text, /others may have more/);
  assert.match(
    statusText(statusOf({ waiting: { ...QUIET, apps, areAppsCut: true, steering } })),
    /^ +of the first 1000 apps by name: others may have more$/m,
  );
  assert.match(text, /^ +app:news +paused .* ada .* it floods$/m);
});

test("circuits that are not closed say since when and why; where none is, or where they cannot be read, it says that", () => {
  const reason = { code: "misconfigured", detail: "region-not-enabled" } as const;
  const open = { channel: "sms", account: "twilio/default", part: "country +82", state: "open", since: 0, until: 9, reason } as const;
  assert.match(
    statusText(statusOf({ circuits: { notClosed: [open], closed: [] } })),
    /^ +sms +twilio\/default +country \+82 +open +1970-01-01T00:00:00\.000Z +misconfigured: region-not-enabled$/m,
  );
  assert.match(statusText(statusOf({ circuits: { notClosed: [], closed: [] } })), /no circuit is open/);
  assert.match(statusText(statusOf({ circuits: { why: "Redis does not answer" } })), /circuits cannot be read: Redis does not answer/);
});

test("queues that cannot be read for one reason say it once", () => {
  const why = "NATS cannot be reached at 127.0.0.1:4222";
  const text = statusText(statusOf({ queues: [{ channel: "sms", why } as const, { channel: "email", why } as const] }));
  assert.equal(text, `  queues cannot be read: ${why}`);
});

test("promises are told of everything stored, and of the last minutes with what breaks them", () => {
  const all = [{ promise: "2 accepted = ends + open", holds: true, detail: "3 = 3 ended + 0 open", broken: 0, examples: [] }];
  const recent = { from: 0, at: 600_000, notifications: 3, apps: 1, areAppsCut: false };
  const critical = {
    title: "Critical is tried within 10 s",
    state: "broken",
    isBrokenNow: true,
    words: "1 of 3 deliveries were not",
    examples: ["ab"],
  } as const;
  const optOuts = {
    title: "Nothing goes to an opt-out",
    state: "unchecked",
    isBrokenNow: false,
    words: "No send could be compared",
    examples: [],
  } as const;
  const text = statusText(statusOf({ waiting: { ...QUIET, promises: { all, recent: { ...recent, promises: [optOuts, critical] } } } }));
  assert.match(text, /Of everything stored:\n {2}holds {3}2 accepted = ends \+ open: 3 = 3 ended \+ 0 open$/m);
  assert.match(text, /^ {2}Of the 3 notifications accepted since 1970-01-01T00:00:00\.000Z, as the console shows it:$/m);
  assert.match(text, /^ {2}not checked: Nothing goes to an opt-out: No send could be compared$/m);
  assert.match(text, /^ {2}BROKEN {2}Critical is tried within 10 s: 1 of 3 deliveries were not\n {10}carillon why ab$/m);
});
