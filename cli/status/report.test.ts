import assert from "node:assert/strict";
import { test } from "node:test";
import { type Status, statusText } from "./report.ts";

const QUIET: Status["waiting"] = { open: [], outbox: [{ notificationClass: "critical", count: 0, oldestMs: 0 }], failed: 0 };
const statusOf = (over: Partial<Status>): Status => ({ roles: [], waiting: undefined, queues: undefined, ...over });

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
