import assert from "node:assert/strict";
import { test } from "node:test";
import { UNCERTAIN_WAIT_MS } from "../core/delivery/decide.ts";
import { IN_DOUBT_REPEATS } from "../core/delivery/in-doubt.ts";
import type { Delivery, NotificationRecord } from "../core/delivery/notification.ts";
import { WATCHDOG_FIRST_MS, WATCHDOG_LONGEST_MS } from "../core/delivery/watchdog.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { CLOCK_SKEW_MS, evaluate } from "./evaluate.ts";

const NOW = Date.UTC(2026, 0, 5, 12);
const HOUR_MS = 3_600_000;

/** The effect for a task that was published before and whose attempt is not claimed. */
function evaluateAt(waitingSince: number | undefined, delivery: Partial<Delivery> = {}, over: Partial<NotificationRecord> = {}) {
  const times = { acceptedAt: NOW - HOUR_MS, sendAt: NOW - HOUR_MS, expiresAt: NOW + HOUR_MS };
  const n = sampleNotification("one", NOW, { ...times, ...over });
  const d: Delivery = { ...n.deliveries[0]!, publishCount: 1, ...delivery };
  const fixed = {
    now: NOW,
    random: 0,
    worker: "w",
    uncertainWaitMs: UNCERTAIN_WAIT_MS,
    inDoubtRepeats: IN_DOUBT_REPEATS,
    confirmationOf: () => ({ statusQueryTellsMs: undefined, sendsReceipts: true }),
    statusQueryFirstMs: () => undefined,
    watchdogFirstMs: WATCHDOG_FIRST_MS,
  };
  const found = evaluate(n, d, undefined, { ...fixed, waitingSince });
  if (found.kind !== "waiting") return found.kind;
  assert.deepEqual(Object.keys(found.transition.change.set), ["nextAt"], "it was not published");
  assert.deepEqual(found.transition.change.expect, { attempt: d.attempt, states: ["pending"], nextAt: d.nextAt });
  return found.transition.change.set.nextAt! - NOW;
}
const since = (ms: number) => NOW - ms;

test("a task published after the oldest waiting one may wait too, and gets as long as that one has waited", () => {
  assert.equal(evaluateAt(since(90_000), { publishedAt: since(30_000) }), 90_000);
  assert.equal(evaluateAt(since(1_000), { publishedAt: since(0) }), WATCHDOG_FIRST_MS);
  assert.equal(evaluateAt(since(HOUR_MS / 2), { publishedAt: since(30_000) }), WATCHDOG_LONGEST_MS);
});

test("a task published before every waiting one is published again", () => {
  assert.equal(evaluateAt(since(20_000), { publishedAt: since(30_000) }), "publish");
  assert.equal(evaluateAt(since(90_000), { publishedAt: since(100_000) }), "publish");
});

test("while no task waits, a task is published again however recently it was published", () => {
  assert.equal(evaluateAt(Number.POSITIVE_INFINITY, { publishedAt: NOW }), "publish");
});

test("clock skew causes no copies of a backlog, and delays a lost task by no more than the skew", () => {
  assert.equal(evaluateAt(since(30_000), { publishedAt: since(30_000 + CLOCK_SKEW_MS) }), WATCHDOG_FIRST_MS);
  assert.equal(evaluateAt(since(30_000), { publishedAt: since(30_000 + CLOCK_SKEW_MS + 1) }), "publish");
});

test("where the lag cannot be read, tasks are published again as before", () => {
  assert.equal(evaluateAt(undefined, { publishedAt: since(30_000) }), "publish");
});

test("a task that was never published does not wait for the queue", () => {
  assert.equal(evaluateAt(since(HOUR_MS), { publishCount: 0, publishedAt: since(30_000) }), "publish");
});

test("a task that only the gateway published counts as published at its acceptance or its send time", () => {
  assert.equal(evaluateAt(since(90_000), {}, { acceptedAt: since(30_000) }), 90_000);
  assert.equal(evaluateAt(since(90_000), {}, { sendAt: since(30_000) }), 90_000);
  assert.equal(evaluateAt(since(90_000)), "publish");
});

test("nothing waits beyond its expiry", () => {
  assert.equal(evaluateAt(since(90_000), { publishedAt: since(30_000) }, { expiresAt: NOW + 7 }), 7);
  assert.equal(evaluateAt(since(90_000), { publishedAt: since(30_000) }, { expiresAt: NOW }), "void");
});
