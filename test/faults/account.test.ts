// When a row gives up its wait: a slow machine makes progress, a lost delivery none.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../core/ports/store.ts";
import { sampleNotification } from "../support/notification-samples.ts";
import { untilEnded } from "./account.ts";

const WITHIN_MS = 75_000;

/** Ten notifications; each ends at its own time, in ms. */
async function wait(endsAt: (index: number) => number) {
  let now = 0;
  const sleep = async (ms: number) => {
    now += ms;
  };
  const clock = { now: () => now, monotonic: () => now, sleep };
  const ids = Array.from({ length: 10 }, (_, i) => `${i}`);
  const find: Store["notifications"]["find"] = async (id) => {
    const record = sampleNotification(id, 0);
    return now < endsAt(Number(id)) ? record : { ...record, deliveries: record.deliveries.map((d) => ({ ...d, state: "sent" })) };
  };
  const store = { notifications: { find } } as unknown as Store;
  const items = ids.map((notificationId) => ({ accepted: { notificationId, deliveryIds: [], at: 0 } }));
  const { at, tooSlow } = await untilEnded({ store }, items, WITHIN_MS, clock);
  return { at, tooSlow };
}

test("deliveries that end late, but one after the other, are not lost", async () => {
  assert.deepEqual(await wait((i) => i * 20_000), { at: 180_000, tooSlow: false });
});

test("one that never ends is given up once nothing ends any more", async () => {
  assert.deepEqual(await wait((i) => (i === 9 ? Number.POSITIVE_INFINITY : i * 1_000)), { at: undefined, tooSlow: false });
});

test("where they still end after four times the bound, the machine is too slow to tell", async () => {
  assert.deepEqual(await wait((i) => i * 70_000), { at: undefined, tooSlow: true });
});
