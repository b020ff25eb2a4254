import assert from "node:assert/strict";
import { test } from "node:test";
import { type Status, statusText } from "./report.ts";

const QUIET: Status["waiting"] = {
  ...{ open: [], outbox: [{ notificationClass: "critical", count: 0, oldestMs: 0 }], failed: 0 },
  ...{ apps: [], areAppsCut: false, steering: [] },
};
const statusOf = (over: Partial<Status>): Status => ({ roles: [], waiting: undefined, queues: undefined, circuits: undefined, ...over });

test("what waits is listed by reason, with what to do about each", () => {
  const open = [
    { channel: "sms", state: "pending", reason: "misconfigured", count: 1_200, oldest: 0 },
    { channel: "email", state: "uncertain", reason: "outcome-unknown", count: 3, oldest: 0 },
    { channel: "apns", state: "pending", reason: "none", count: 9, oldest: 0 },
  ] as const;
  const text = statusText(statusOf({ waiting: { ...QUIET, open: [...open], failed: 10_000 } }));
  assert.match(text, /^ +sms +pending +1200 +misconfigured$/m);
  assert.match(text, /^ +email +in doubt +3 +outcome-unknown$/m);
  assert.match(text, /^ +misconfigured: Operator: correct what the detail names\./m);
  assert.doesNotMatch(text, /none: /);
  assert.match(text, /3 in doubt; 10000 or more notifications failed in the last 24 h/);
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
