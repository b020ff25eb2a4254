import assert from "node:assert/strict";
import { test } from "node:test";
import { MISCONFIGURED_WAIT_MS } from "../core/delivery/decide.ts";
import { toTask } from "../core/delivery/task.ts";
import type { Store } from "../core/ports/store.ts";
import { createLogger } from "../runtime/logger.ts";
import { accepted, useDispatchWorld } from "../test/support/dispatch-world.ts";
import { scriptedProvider } from "../test/support/scripted-provider.ts";
import { createSetupWaiters } from "./setup-waiters.ts";

const world = useDispatchWorld();
const waitersOn = (store: Pick<Store, "notifications">) => {
  const log = createLogger("test", "info", { write: (line) => void world.lines.push(line) });
  return createSetupWaiters({ store, recorder: world.recorder, clock: world.clock, log });
};
/** The task of the delivery as it is stored now. */
const taskNow = async () => toTask((await world.store.notifications.find(world.notification.id))!, await world.delivery());

test("what was rejected for its keys is due as soon as there are new ones, and the next call is made with them", async () => {
  const setupWaiters = waitersOn(world.store);
  let isNew = false;
  const provider = scriptedProvider("twilio", () => (isNew ? accepted : { kind: "misconfigured", reason: "20003" }));
  const { dispatch } = world.setUp({ providers: [provider], setupWaiters });
  await dispatch(world.task(), "h");
  assert.equal((await world.delivery()).nextAt, world.clock.now() + MISCONFIGURED_WAIT_MS);
  world.clock.advance(3_000);
  isNew = true;
  await setupWaiters.wake();
  const { state, attempt, nextAt } = await world.delivery();
  assert.deepEqual([state, attempt, nextAt], ["pending", 2, world.clock.now()]);
  await dispatch(await taskNow(), "h");
  assert.equal((await world.delivery()).state, "sent");
});

test("what was handed back because of the keys is due, too", async () => {
  const setupWaiters = waitersOn(world.store);
  const { dispatch } = world.setUp({ accountsOf: async () => ({ sms: "not-made-yet" }), setupWaiters });
  await dispatch(world.task(), "h");
  assert.ok((await world.delivery()).nextAt! > world.clock.now());
  await setupWaiters.wake();
  const { state, attempt, nextAt } = await world.delivery();
  assert.deepEqual([state, attempt, nextAt], ["pending", 1, world.clock.now()]);
});

test("what waits for another reason, or goes on meanwhile, stays as it is", async () => {
  const setupWaiters = waitersOn(world.store);
  const outcomes = [
    { kind: "misconfigured", reason: "20003" },
    { kind: "unavailable", fault: { code: "http-503" } },
  ] as const;
  let call = 0;
  const provider = scriptedProvider("twilio", () => outcomes[call++]!);
  const { dispatch } = world.setUp({ providers: [provider], setupWaiters });
  await dispatch(world.task(), "h");
  await dispatch(await taskNow(), "h");
  const before = await world.delivery();
  assert.equal(before.attempt, 3);
  await setupWaiters.wake();
  assert.deepEqual(await world.delivery(), before);
});

test("while the store is unavailable nothing is lost: it is due when it was before", async () => {
  const { store } = world;
  const unreachable = { notifications: { ...store.notifications, change: () => Promise.reject(new Error("away")) } };
  const setupWaiters = waitersOn(unreachable);
  const { dispatch } = world.setUp({ accountsOf: async () => ({ sms: "not-made-yet" }), setupWaiters });
  await dispatch(world.task(), "h");
  const before = await world.delivery();
  await setupWaiters.wake();
  assert.deepEqual(await world.delivery(), before);
  assert.match(world.lines.join(""), /"level":"warn".*could not be made due/);
});
