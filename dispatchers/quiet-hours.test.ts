import assert from "node:assert/strict";
import { test } from "node:test";
import type { SendingTime } from "../adapters/preferences/sending-times.ts";
import { DEFERRAL_SPREAD_MS } from "../core/delivery/deferral.ts";
import { useDispatchWorld } from "../test/support/dispatch-world.ts";

const world = useDispatchWorld();
const attempts = () => world.store.attempts.find([`${world.notification.id}-0/1`]);

/** How long the recipient's quiet hours last; the notification expires after an hour. */
const closedFor = (ms: number) => async (): Promise<SendingTime> => ({ kind: "closed", until: world.clock.now() + ms });
const MINUTE_MS = 60_000;

test("in quiet hours a delivery waits in the store for their end and a little longer, without an attempt", async () => {
  const { dispatch, sent } = world.setUp({ sendingTimes: closedFor(20 * MINUTE_MS) });
  const now = world.clock.now();
  assert.deepEqual(await dispatch(world.task(), "h"), { kind: "ack" }, "it is not counted among what waits for a provider");
  const { state, attempt, reason, nextAt, publishedAt } = await world.delivery();
  assert.deepEqual([state, attempt, reason, publishedAt], ["pending", 1, { code: "quiet-hours" }, 0]);
  assert.ok(nextAt! >= now + 20 * MINUTE_MS && nextAt! < now + 20 * MINUTE_MS + DEFERRAL_SPREAD_MS);
  assert.deepEqual([sent().length, await attempts()], [0, []]);

  world.clock.advance(nextAt! - now);
  const morning = world.setUp({ sendingTimes: async () => ({ kind: "open" }) });
  await morning.dispatch({ ...world.task(), publication: 1 }, "h");
  assert.equal(morning.sent().length, 1);
  assert.deepEqual([(await world.delivery()).state, (await world.delivery()).reason], ["sent", undefined]);
});

test("what expires before the quiet hours end is ended at once, and no copy of it is sent in the morning", async () => {
  for (const ms of [60 * MINUTE_MS, Number.POSITIVE_INFINITY])
    await world.setUp({ sendingTimes: closedFor(ms) }).dispatch(world.task(), "h");
  const { state, reason, nextAt, endedAt } = await world.delivery();
  assert.deepEqual([state, reason, nextAt, endedAt], ["expired", { code: "quiet-hours" }, undefined, world.clock.now()]);
  const { dispatch, sent } = world.setUp();
  assert.deepEqual(await dispatch(world.task(), "h"), { kind: "ack" });
  assert.equal(sent().length, 0);
});

test("a delivery that may be sent only shortly before it expires is tried then", async () => {
  await world.setUp({ sendingTimes: closedFor(60 * MINUTE_MS - 1_000) }).dispatch(world.task(), "h");
  const { state, nextAt } = await world.delivery();
  assert.deepEqual([state, nextAt], ["pending", world.notification.expiresAt - 1_000]);
});

test("an opt-out counts more than quiet hours", async () => {
  await world.setUp({ optOut: "opted-out", sendingTimes: closedFor(MINUTE_MS) }).dispatch(world.task(), "h");
  assert.deepEqual([(await world.delivery()).state, (await world.delivery()).reason], ["suppressed", { code: "opted-out" }]);
});

test("while a profile cannot be read, the task returns to the queue", async () => {
  const { dispatch, sent } = world.setUp({ sendingTimes: async () => ({ kind: "unreadable" }) });
  const settlement = await dispatch(world.task(), "h");
  assert.ok(settlement.kind === "nak" && settlement.delayMs > 0);
  assert.deepEqual([sent().length, await attempts(), (await world.delivery()).state], [0, [], "pending"]);
});

test("quiet hours use up neither a place of the cap nor a token", async () => {
  const used: string[] = [];
  const { dispatch } = world.setUp({
    sendingTimes: closedFor(MINUTE_MS),
    async checkCap() {
      used.push("place");
      return { kind: "below" };
    },
    rateLimiter: {
      async take() {
        used.push("token");
        return { kind: "granted" };
      },
    },
  });
  await dispatch(world.task(), "h");
  assert.deepEqual(used, []);
});
