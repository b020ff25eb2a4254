import assert from "node:assert/strict";
import { test } from "node:test";
import { toTask } from "../core/delivery/task.ts";
import type { OptOutAnswer } from "../core/ports/opt-outs.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { CONFIRMED_AFTER_MS, createOptOutCheck, GAP_MS, GAPS_MAX, UNREAD_AFTER_MS } from "./opt-out-check.ts";

/** A dispatcher's questions for critical, each of which takes `tookMs`. */
function setUp() {
  const clock = createFakeClock();
  const state = { answer: "unknown" as OptOutAnswer, tookMs: 0 };
  const optOuts = {
    check: async (questions: readonly unknown[]) => {
      clock.advance(state.tookMs);
      return questions.map(() => state.answer);
    },
  };
  const check = createOptOutCheck({ optOuts, channel: "sms", clock });
  const n = sampleNotification("one", clock.now(), { notificationClass: "critical", expiresAt: clock.now() + 3_600_000 });
  const ask = async () => (await check(toTask(n, n.deliveries[0]!), ["ada"])).answer;
  return { clock, state, ask };
}

test("critical is sent unread once opt-outs have been unreadable for a while, as often as it is asked", async () => {
  const { clock, ask } = setUp();
  for (let ms = 0; ms < UNREAD_AFTER_MS; ms += 500) {
    assert.equal(await ask(), "unknown", `after ${ms} ms`);
    clock.advance(500);
  }
  assert.equal(await ask(), "allowed");
});

test("two short outages with nobody asking between are not one", async () => {
  for (const apartMs of [GAP_MS, 6_000, 10_000, 20_000, 29_999]) {
    const { clock, ask } = setUp();
    for (let i = 0; i < 3; i++) {
      assert.equal(await ask(), "unknown");
      clock.advance(500);
    }
    clock.advance(apartMs - 500);
    for (let ms = 0; ms < UNREAD_AFTER_MS; ms += 500) {
      assert.equal(await ask(), "unknown", `${apartMs} ms apart, ${ms} ms into the second`);
      clock.advance(500);
    }
    assert.equal(await ask(), "allowed", "the second one is long enough itself");
  }
});

test("one slow question is no outage: another one that is asked later must fail too", async () => {
  const { clock, state, ask } = setUp();
  state.tookMs = UNREAD_AFTER_MS;
  assert.equal(await ask(), "unknown");
  state.tookMs = 0;
  clock.advance(CONFIRMED_AFTER_MS - 1);
  assert.equal(await ask(), "unknown");
  clock.advance(1);
  assert.equal(await ask(), "allowed");
});

test("an answer to another question is the end of the outage, also while a question that fails later is under way", async () => {
  const clock = createFakeClock();
  const pending: ((answer: OptOutAnswer) => void)[] = [];
  const optOuts = { check: () => new Promise<OptOutAnswer[]>((resolve) => pending.push((answer) => resolve([answer]))) };
  const check = createOptOutCheck({ optOuts, channel: "sms", clock });
  const n = sampleNotification("one", clock.now(), { notificationClass: "critical", expiresAt: clock.now() + 3_600_000 });
  const ask = () => check(toTask(n, n.deliveries[0]!), ["ada"]);
  const slow = ask();
  clock.advance(UNREAD_AFTER_MS - 1);
  const quick = ask();
  pending[1]!("allowed");
  assert.equal((await quick).answer, "allowed");
  pending[0]!("unknown");
  assert.deepEqual(await slow, { answer: "unknown", askedAt: clock.monotonic() - UNREAD_AFTER_MS + 1, unreadableMs: 0 });
});

test("a pod that is seldom asked, as one of many, sends critical in the end", async () => {
  const { clock, ask } = setUp();
  for (let i = 0; i < GAPS_MAX; i++) {
    assert.equal(await ask(), "unknown");
    clock.advance(2 * GAP_MS);
  }
  assert.equal(await ask(), "allowed");
});
