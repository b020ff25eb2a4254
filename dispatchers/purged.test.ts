import assert from "node:assert/strict";
import { test } from "node:test";
import { EXPIRY_MAX_MS, PURGE_AGE_MS_MIN, TASK_STALE_MS } from "../core/delivery/lifetime.ts";
import { useDispatchWorld } from "../test/support/dispatch-world.ts";
import { allAttempts } from "../test/support/everything.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";

const world = useDispatchWorld();

test("a copy of a task that comes back after its notification was purged is not sent again, and leaves nothing behind", async () => {
  // The store's own clock decides what may be purged. The longest life a task can have, purged as early as can be.
  const now = Date.now();
  const before = now - PURGE_AGE_MS_MIN;
  world.clock = createFakeClock(before - 1);
  world.notification = sampleNotification("old", before - 1, { expiresAt: before - 1 + EXPIRY_MAX_MS });
  await world.store.notifications.insert([world.notification]);
  const { dispatch, sent } = world.setUp();
  await dispatch(world.task(), "first");
  assert.equal(sent().length, 1);
  const { app, notificationClass } = world.notification;
  const purged = await world.store.purge({ app, notificationClass, before }, 10);
  assert.deepEqual([purged.notifications, purged.attempts], [1, 1]);

  world.clock.advance(now - world.clock.now());
  assert.deepEqual(await dispatch(world.task(), "copy"), { kind: "ack" });
  assert.equal(sent().length, 1);
  assert.deepEqual(await allAttempts(world.store), []);
});

test("a task that expired long ago is left to the relay", async () => {
  const { dispatch, sent } = world.setUp();
  world.clock.advance(world.notification.expiresAt + TASK_STALE_MS - world.clock.now());
  assert.deepEqual(await dispatch(world.task(), "h"), { kind: "ack" });
  assert.equal(sent().length, 0);
  assert.deepEqual(await allAttempts(world.store), []);
  assert.equal((await world.delivery()).state, "pending");
});
