import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { StoreError } from "../../adapters/store/store-error.ts";
import { STEERING_MAX } from "../../core/steering/steering.ts";
import { RelayWorld } from "../../test/support/relay-world.ts";
import { logged } from "./audit-log.ts";
import { type Pause, pause, resume, showSteering } from "./pauses.ts";
import { reevaluate } from "./reevaluate.ts";

const world = new RelayWorld();
beforeEach(async (t) => {
  await world.open();
  if ("after" in t) t.after(() => world.store[Symbol.asyncDispose]());
});
const order = { actor: "ada", reason: "an incident" };
const SMS = { kind: "channel", value: "sms" } as const;
const log = async () => (await world.store.steering.actions(undefined, 9)).map(({ action, target, result }) => [action, target, result]);
const app = (id: string, accounts: Record<string, string> = {}) =>
  world.store.apps.change(id, () => ({ id, channels: ["sms"], limits: {}, keys: [], accounts }));
const PROVIDERS = [
  { name: "twilio", channel: "sms" },
  { name: "vonage", channel: "sms" },
] as const;
const pauseIn = (store: RelayWorld["store"], of: Omit<Pause, "actor" | "reason" | "mayReplace"> & Partial<Pause>) =>
  pause({ store, providers: PROVIDERS }, { mayReplace: false, ...order, ...of });

test("a pause, its resumption and a resumption of nothing are in the log with their result", async () => {
  const paused = await pauseIn(world.store, { target: SMS, forMs: 60_000 });
  assert.ok(paused.done);
  assert.equal(paused.record.until, paused.record.at + 60_000);
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
  await assert.rejects(pauseIn(failing, { target: SMS }), StoreError);
  assert.deepEqual(await log(), [["pause", "channel:sms", "failed: StoreError"]]);
  const silent = { ...world.store, steering: { ...steering, log: async () => Promise.reject(new StoreError("away")) } };
  await assert.rejects(pauseIn(silent, { target: SMS }), StoreError);
  assert.deepEqual(await steering.list(), []);
});

test("texts without a bound, or that a terminal obeys, are refused before anything is stored", async () => {
  for (const bad of [{ reason: "" }, { reason: "🙂 …" }, { reason: "x".repeat(501) }, { actor: "a\u001b[2J" }, { actor: " " }])
    await assert.rejects(pauseIn(world.store, { target: SMS, ...bad }), /must have 1 to/);
  const act = async () => ({ result: undefined, words: "" });
  const of = { ...order, action: "reevaluate", target: "shop\u001b[2J" };
  await assert.rejects(logged(world.store, of, act), /the target must have no control characters/);
  assert.deepEqual(await log(), []);
});

test("an app or an account that nothing names can neither be paused nor, the app, be re-evaluated", async () => {
  await app("shop", { sms: "main", vonage: "eu" });
  await assert.rejects(pauseIn(world.store, { target: { kind: "app", value: "shpo" } }), /there is no app shpo/);
  const account = (value: string) => pauseIn(world.store, { target: { kind: "account", value } });
  await assert.rejects(account("twilio/mian"), {
    message: "no app is sent by twilio/mian; did you mean twilio/main? twilio has for apps: default, main",
  });
  await assert.rejects(account("vonage/main"), /^OperatorError: no app is sent by vonage\/main; vonage has for apps: default, eu$/);
  for (const [filter, words] of [
    [{ app: "shpo" }, /there is no app shpo/],
    [{ app: "shop\u001b[2J" }, /app must be 1 to 63 of a-z, 0-9 and -, .*; what is given has 8 characters/],
  ] as const)
    await assert.rejects(reevaluate(world.store, { filter, clock: world.clock, ...order }), words);
  assert.deepEqual([await world.store.steering.list(), await log()], [[], []]);
  for (const value of ["twilio", "twilio/default", "twilio/main", "vonage/eu"]) assert.equal((await account(value)).done, true, value);
});

test("there is a bound on how much is paused at once", async () => {
  for (let i = 0; i < STEERING_MAX; i++)
    await world.store.steering.put({ target: { kind: "app", value: `app${i}` }, state: "resumed", ...order, at: 0 });
  await assert.rejects(pauseIn(world.store, { target: SMS }), /resume one of them first/);
  await app("app1");
  assert.equal((await pauseIn(world.store, { target: { kind: "app", value: "app1" } })).done, true);
});

const STANDING = [
  ["the same is paused", { kind: "channel", value: "sms" }, SMS, { state: "paused" }, true],
  [
    "the same is drained",
    { kind: "account", value: "twilio" },
    { kind: "account", value: "twilio" },
    { state: "drained", to: "vonage" },
    true,
  ],
  [
    "one of its accounts is drained",
    { kind: "account", value: "twilio/default" },
    { kind: "account", value: "twilio" },
    { state: "drained" },
    true,
  ],
  [
    "all of the provider's accounts are drained",
    { kind: "account", value: "twilio" },
    { kind: "account", value: "twilio/default" },
    { state: "drained" },
    true,
  ],
  [
    "one of its accounts is paused",
    { kind: "account", value: "twilio/default" },
    { kind: "account", value: "twilio" },
    { state: "paused" },
    false,
  ],
  ["another provider is drained", { kind: "account", value: "vonage" }, { kind: "account", value: "twilio" }, { state: "drained" }, false],
  ["the same was resumed", { kind: "channel", value: "sms" }, SMS, { state: "resumed" }, false],
  ["the same was paused until now", { kind: "channel", value: "sms" }, SMS, { state: "paused", until: 1 }, false],
] as const;
for (const [what, target, paused, record, isStanding] of STANDING)
  test(`a pause ${isStanding ? "has to be allowed to replace" : "replaces nothing"} where ${what}`, async () => {
    const before = { target, ...record, actor: "bob", reason: "their incident, call +15550100117", at: 0 };
    await world.store.steering.put(before);
    const answer = await pauseIn(world.store, { target: paused });
    assert.equal(answer.done, !isStanding);
    if (!isStanding) return;
    assert.deepEqual([answer.replaced, await world.store.steering.list(), await log()], [[before], [before], []]);
    assert.deepEqual((await pauseIn(world.store, { target: paused, mayReplace: true })).done, true);
    const result = String((await log())[0]?.[2]);
    assert.equal(result.endsWith(", which a pause outweighs"), target.value !== paused.value);
    assert.match(
      result,
      /^paused; \S+ (was|is) (paused|drained to [a-z ]+), ordered by bob at 1970-01-01T00:00:00\.000Z \(reason: their incident, call …\)(, which a pause outweighs)?$/,
    );
  });

test("an order that came while another one was given is not replaced unseen", async () => {
  const { steering } = world.store;
  const by = { target: SMS, state: "paused", actor: "bob", reason: "his", at: 1 } as const;
  const racing = { ...world.store, steering: { ...steering, log: async () => void (await steering.put(by)) } };
  await assert.rejects(
    pauseIn(racing, { target: SMS, mayReplace: true }),
    /an order that came meanwhile: channel:sms is paused, ordered by bob/,
  );
  assert.deepEqual(await steering.list(), [by]);
});

test("neither a pause nor a resumption replaces an order that comes after the last one was read", async () => {
  const { steering } = world.store;
  const by = { target: SMS, state: "paused", actor: "bob", reason: "his", at: 1 } as const;
  const racing = {
    ...world.store,
    steering: { ...steering, put: async (...own: Parameters<typeof steering.put>) => (await steering.put(by)) && steering.put(...own) },
  };
  const changed = { message: "nothing was changed, because what was ordered for channel:sms changed meanwhile; try again" };
  await assert.rejects(pauseIn(racing, { target: SMS }), changed);
  await steering.put({ ...by, actor: "eve", at: 0 });
  await assert.rejects(resume(racing, { target: SMS, ...order }), changed);
  assert.deepEqual(await steering.list(), [by]);
});

test("what is shown says how many deliveries wait", async () => {
  await pauseIn(world.store, { target: SMS });
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
  await app("app");
  const filter = { reason: "unavailable", channel: "sms", app: "app" } as const;
  assert.deepEqual(await reevaluate(world.store, { filter, clock: world.clock, ...order }), { sms: 1 });
  const due = await Promise.all(ids.map(async (id) => (await world.delivery(id)).nextAt === world.clock.now()));
  assert.deepEqual(due, [true, false, false, false, false]);
  await reevaluate(world.store, { filter: { channel: "sms" }, clock: world.clock, ...order });
  assert.equal((await world.delivery(ids[3]!)).nextAt, wait.nextAt);
  assert.deepEqual((await log())[1], ["reevaluate", "reason unavailable, channel sms, app app", "1 made due"]);
});
