import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { StoreError } from "../../adapters/store/store-error.ts";
import { STEERING_MAX } from "../../core/steering/steering.ts";
import { RelayWorld } from "../../test/support/relay-world.ts";
import { drain, pause, resume, showSteering } from "./pauses.ts";
import { reevaluate } from "./reevaluate.ts";

const world = new RelayWorld();
beforeEach(async (t) => {
  await world.open();
  if ("after" in t) t.after(() => world.store[Symbol.asyncDispose]());
});
const order = { actor: "ada", reason: "an incident" };
const SMS = { kind: "channel", value: "sms" } as const;
const log = async () => (await world.store.steering.actions(undefined, 9)).map(({ action, target, result }) => [action, target, result]);
const TWILIO = { name: "twilio", channel: "sms" } as const;
const VONAGE = { name: "vonage", channel: "sms" } as const;
const app = (id: string, accounts: Record<string, string>) =>
  world.store.apps.change(id, () => ({ id, channels: ["sms"], limits: {}, keys: [], accounts }));

test("a pause, its resumption and a resumption of nothing are in the log with their result", async () => {
  const { until, at } = await pause(world.store, { target: SMS, forMs: 60_000, ...order });
  assert.equal(until, at + 60_000);
  assert.equal(await resume(world.store, { target: SMS, ...order }), true);
  assert.equal(await resume(world.store, { target: SMS, ...order }), false);
  assert.deepEqual(
    (await log()).map(([action, , result]) => [action, result?.split(" until")[0]]),
    [
      ["resume", "was not paused"],
      ["resume", "resumed"],
      ["pause", "paused"],
    ],
  );
  assert.deepEqual(
    (await world.store.steering.list()).map(({ state }) => state),
    ["resumed"],
  );
});

test("an action that fails is in the log, and one whose entry cannot be stored is not done", async () => {
  const { steering } = world.store;
  const failing = { ...world.store, steering: { ...steering, put: async () => Promise.reject(new StoreError("away")) } };
  await assert.rejects(pause(failing, { target: SMS, ...order }), StoreError);
  assert.deepEqual(await log(), [["pause", "channel:sms", "failed: StoreError"]]);
  const silent = { ...world.store, steering: { ...steering, log: async () => Promise.reject(new StoreError("away")) } };
  await assert.rejects(pause(silent, { target: SMS, ...order }), StoreError);
  assert.deepEqual(await steering.list(), []);
});

test("texts without a bound, or that a terminal obeys, are refused before anything is stored", async () => {
  for (const bad of [{ reason: "" }, { reason: "🙂 …" }, { reason: "x".repeat(501) }, { actor: "a\u001b[2J" }, { actor: " " }])
    await assert.rejects(pause(world.store, { target: SMS, ...order, ...bad }), /must have 1 to/);
  const filter = { app: "shop\u001b[2J" };
  await assert.rejects(reevaluate(world.store, { filter, clock: world.clock, ...order }), /the target must have no control characters/);
  assert.deepEqual(await log(), []);
});

test("an app that is not there cannot be paused", async () => {
  await assert.rejects(pause(world.store, { target: { kind: "app", value: "shpo" }, ...order }), /there is no app shpo/);
});

test("there is a bound on how much is paused at once", async () => {
  for (let i = 0; i < STEERING_MAX; i++)
    await world.store.steering.put({ target: { kind: "app", value: `app${i}` }, state: "paused", ...order, at: 0 });
  await assert.rejects(pause(world.store, { target: SMS, ...order }), /resume one of them first/);
  await app("app1", {});
  await pause(world.store, { target: { kind: "app", value: "app1" }, ...order });
});

test("a drain changes nothing where apps would send by an account of another name, unless it may", async () => {
  await app("shop", {});
  await app("eu", { twilio: "eu" });
  const of = { from: TWILIO, to: VONAGE, ...order };
  const refused = await drain(world.store, { ...of, mayChangeAccount: false });
  assert.deepEqual(refused, { done: false, moved: [{ app: "eu", from: "twilio/eu", to: "vonage/default" }] });
  assert.deepEqual([await world.store.steering.list(), await log()], [[], []]);
  assert.equal((await drain(world.store, { ...of, mayChangeAccount: true })).done, true);
  assert.equal((await world.store.steering.list())[0]?.state, "drained");
  await assert.rejects(drain(world.store, { ...of, to: { name: "sendgrid", channel: "email" }, mayChangeAccount: true }), /of email/);
});

test("what is shown says how many deliveries wait", async () => {
  await pause(world.store, { target: SMS, ...order });
  await world.accept(
    {},
    { nextAt: world.clock.now() + 900_000, publishedAt: 0, publishCount: 1, reason: { code: "paused", detail: "channel:sms" } },
  );
  const { targets, isCounted } = await showSteering(world.store);
  assert.deepEqual([targets.map(({ waiting }) => waiting), isCounted], [[1], true]);
});

test("what waits is made due by reason, channel and app; what is scheduled or queued stays", async () => {
  const wait = { nextAt: world.clock.now() + 900_000, publishedAt: 0, publishCount: 1, reason: { code: "unavailable" } } as const;
  const ids = [
    await world.accept({ id: "1".repeat(32) }, wait),
    await world.accept({ id: "2".repeat(32) }, { ...wait, reason: { code: "throttled" } }),
    await world.accept({ id: "3".repeat(32), app: "other" }, wait),
    await world.accept({ id: "4".repeat(32), sendAt: world.clock.now() + 900_000 }, { nextAt: wait.nextAt }),
    await world.accept({ id: "5".repeat(32) }, { ...wait, publishedAt: world.clock.now() }),
  ];
  const filter = { reason: "unavailable", channel: "sms", app: "app" } as const;
  assert.deepEqual(await reevaluate(world.store, { filter, clock: world.clock, ...order }), { sms: 1 });
  const due = await Promise.all(ids.map(async (id) => (await world.delivery(id)).nextAt === world.clock.now()));
  assert.deepEqual(due, [true, false, false, false, false]);
  await reevaluate(world.store, { filter: { channel: "sms" }, clock: world.clock, ...order });
  assert.equal((await world.delivery(ids[3]!)).nextAt, wait.nextAt);
  assert.deepEqual((await log())[1], ["reevaluate", "reason unavailable, channel sms, app app", "1 made due"]);
});
