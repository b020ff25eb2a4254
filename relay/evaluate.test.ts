import assert from "node:assert/strict";
import { test } from "node:test";
import { UNCERTAIN_WAIT_MS } from "../core/delivery/decide.ts";
import type { Delivery, NotificationRecord } from "../core/delivery/notification.ts";
import { WATCHDOG_FIRST_MS, WATCHDOG_LONGEST_MS } from "../core/delivery/watchdog.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { CLOCK_SKEW_MS, evaluate } from "./evaluate.ts";

const NOW = Date.UTC(2026, 0, 5, 12);
const HOUR_MS = 3_600_000;

/** What follows for a task published before, of which nobody took the attempt. */
function evaluateAt(waitingSince: number | undefined, delivery: Partial<Delivery> = {}, over: Partial<NotificationRecord> = {}) {
  const times = { acceptedAt: NOW - HOUR_MS, sendAt: NOW - HOUR_MS, expiresAt: NOW + HOUR_MS };
  const n = sampleNotification("one", NOW, { ...times, ...over });
  const d: Delivery = { ...n.deliveries[0]!, publishCount: 1, ...delivery };
  const fixed = {
    now: NOW,
    random: 0,
    worker: "w",
    uncertainWaitMs: UNCERTAIN_WAIT_MS,
    statusQueryFirstMs: () => undefined,
    watchdogFirstMs: WATCHDOG_FIRST_MS,
  };
  const found = evaluate(n, d, undefined, { ...fixed, waitingSince });
  if (found.kind !== "waiting") return found.kind;
  assert.deepEqual(Object.keys(found.transition.change.set), ["nextAt"], "it was not published");
  assert.deepEqual(found.transition.change.expect, { attempt: d.attempt, states: ["pending"] });
  return found.transition.change.set.nextAt! - NOW;
}
const since = (ms: number) => NOW - ms;

test("what was published after the oldest that waits may wait too, and gets as long as that one has waited", () => {
  assert.equal(evaluateAt(since(90_000), { publishedAt: since(30_000) }), 90_000);
  assert.equal(evaluateAt(since(1_000), { publishedAt: since(0) }), WATCHDOG_FIRST_MS);
  assert.equal(evaluateAt(since(HOUR_MS / 2), { publishedAt: since(30_000) }), WATCHDOG_LONGEST_MS);
});

test("what was published before all that waits is published again, whatever waits", () => {
  assert.equal(evaluateAt(since(20_000), { publishedAt: since(30_000) }), "publish");
  assert.equal(evaluateAt(since(90_000), { publishedAt: since(100_000) }), "publish");
});

test("what nothing waits beside is published again, however short a while ago it was", () => {
  assert.equal(evaluateAt(Number.POSITIVE_INFINITY, { publishedAt: NOW }), "publish");
});

test("the difference of two clocks makes no copies of a backlog, and delays a lost one by no more", () => {
  assert.equal(evaluateAt(since(30_000), { publishedAt: since(30_000 + CLOCK_SKEW_MS) }), WATCHDOG_FIRST_MS);
  assert.equal(evaluateAt(since(30_000), { publishedAt: since(30_000 + CLOCK_SKEW_MS + 1) }), "publish");
});

test("a queue that cannot tell is published to as ever", () => {
  assert.equal(evaluateAt(undefined, { publishedAt: since(30_000) }), "publish");
});

test("what was never published waits nowhere", () => {
  assert.equal(evaluateAt(since(HOUR_MS), { publishCount: 0, publishedAt: since(30_000) }), "publish");
});

test("what only the gateway published, it published as it was accepted or as it was to go", () => {
  assert.equal(evaluateAt(since(90_000), {}, { acceptedAt: since(30_000) }), 90_000);
  assert.equal(evaluateAt(since(90_000), {}, { sendAt: since(30_000) }), 90_000);
  assert.equal(evaluateAt(since(90_000)), "publish");
});

test("nothing waits beyond its expiry", () => {
  assert.equal(evaluateAt(since(90_000), { publishedAt: since(30_000) }, { expiresAt: NOW + 7 }), 7);
  assert.equal(evaluateAt(since(90_000), { publishedAt: since(30_000) }, { expiresAt: NOW }), "void");
});
