// What the pods of a channel tell one another of circuits, through Redis.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connectRedis } from "../adapters/redis/connect.ts";
import { createSharedCircuits, readCircuit } from "../adapters/redis/shared-circuits.ts";
import type { Channel } from "../core/delivery/channel.ts";
import { OPEN_FIRST_MS, SERVICE_FAILURES_MIN, SETUP_ENDPOINTS_MIN } from "../core/delivery/circuit.ts";
import type { Outcome } from "../core/delivery/outcome.ts";
import type { SharedCircuits } from "../core/ports/shared-circuits.ts";
import { createLogger } from "../runtime/logger.ts";
import { down, foreign, useCircuitWorld, wrongKey } from "../test/support/circuit-world.ts";
import { accepted } from "../test/support/dispatch-world.ts";
import { eventually } from "../test/support/eventually.ts";
import { scriptedProvider } from "../test/support/scripted-provider.ts";
import { startRedis } from "../test/support/servers.ts";

const { world, textTo, pod, fail } = useCircuitWorld();
let redis: Awaited<ReturnType<typeof startRedis>>;
let client: Awaited<ReturnType<typeof connectRedis>>;
before(async () => {
  redis = await startRedis();
  client = await connectRedis(redis.url, { log: createLogger("test", "silent", { write() {} }) });
});
after(async () => {
  await client[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});
const sharedBy = (channel: Channel) => createSharedCircuits(client, channel);
/** Until what a pod wrote is in Redis. */
const written = (shared: SharedCircuits, isThere: (open: boolean) => boolean) =>
  eventually("Redis has the circuit", async () =>
    isThere([...((await shared.read()) ?? new Map())].some(([, { open }]) => open !== undefined)),
  );

test("pods share what they know: one opens the circuit, one makes the probe, and its success closes it for all", async () => {
  const shared = sharedBy("sms");
  let isDown = true;
  const providers = ["one", "two"].map(() => scriptedProvider("twilio", () => (isDown ? down : accepted)));
  const [one, two] = providers.map((provider) => pod([provider], shared));
  await fail(one!.dispatch);
  await written(shared, (open) => open);
  await two!.circuits.readShared();
  await two!.dispatch(await textTo("+49301"), "h");
  assert.equal(two!.sent().length, 0, "the second pod waits without a failure of its own");

  isDown = false;
  world.clock.advance(OPEN_FIRST_MS + 5_000);
  const passages = [];
  for (const { circuits } of [one!, two!]) passages.push(await circuits.choose({ ...(await textTo("+49302")), attempt: 1 }));
  assert.deepEqual(
    passages.map(({ kind }) => kind),
    ["call", "wait"],
  );
  const [passage] = passages;
  assert.ok(passage?.kind === "call" && passage.probes.length === 1);
  one!.circuits.record(passage, accepted);
  await written(shared, (open) => !open);
  await two!.circuits.readShared();
  assert.deepEqual(await two!.dispatch(await textTo("+49303"), "h"), { kind: "ack" });
  assert.equal(two!.sent().length, 1);
});

test("another pod's success between a pod's failures keeps its circuit closed", async () => {
  const shared = sharedBy("apns");
  const one = pod([scriptedProvider("twilio", () => wrongKey)], shared);
  const two = pod([scriptedProvider("twilio", () => accepted)], shared);
  for (let i = 0; i < 3 * SETUP_ENDPOINTS_MIN; i++) {
    await one.dispatch(await textTo(`+493055${i}`), "h");
    // A success is shown to the others every few seconds.
    world.clock.advance(6_000);
    await two.dispatch(await textTo("+49301"), "h");
    await eventually("the success is shown", async () =>
      [...((await shared.read()) ?? [])].some(([name, { at }]) => name.endsWith(" account") && at === world.clock.now()),
    );
    await one.circuits.readShared();
  }
  assert.equal(one.sent().length, 3 * SETUP_ENDPOINTS_MIN);
});

test("a probe that ends late does not end the one that another pod has begun since", async () => {
  const [one, two, three] = [sharedBy("sms"), sharedBy("sms"), sharedBy("sms")];
  assert.ok(await one!.mayProbe("late", "1", 20));
  await eventually("the probe has had its time", () => two!.mayProbe("late", "1", 60_000));
  await one!.probeEnded("late", "1");
  assert.equal(await three!.mayProbe("late", "1", 60_000), false, "the second probe is under way");
  await two!.probeEnded("late", "2");
  assert.equal(await three!.mayProbe("late", "1", 60_000), false, "nor does another one of the same process");
  await two!.probeEnded("late", "1");
  assert.equal(await three!.mayProbe("late", "1", 60_000), true);
});

test("single apps' circuits in Redis, however many, do not hide those that all depend on", async () => {
  const shared = sharedBy("fcm");
  for (let i = 0; i < 1_500; i++) await shared.write(`fcm/default app app-${i}`, { at: 1 });
  await shared.write("fcm/default account", { at: 1 });
  const read = (await shared.read())!;
  assert.deepEqual([read.size, read.has("fcm/default account")], [1_000, true]);
});

test("an app's success is shared only where its calls failed before: pods look at all that is shared", async () => {
  const written = new Set<string>();
  const noted: SharedCircuits = {
    read: async () => undefined,
    write: async (name) => void written.add(name),
    mayProbe: async () => true,
    probeEnded: async () => {},
  };
  let outcome: Outcome = accepted;
  const { dispatch } = pod([scriptedProvider("twilio", () => outcome)], noted);
  await dispatch(await textTo("+49301"), "h");
  assert.deepEqual(
    [...written].filter((name) => name.includes(" app ")),
    [],
  );
  outcome = foreign;
  await dispatch(await textTo("+49302"), "h");
  outcome = accepted;
  await dispatch(await textTo("+49303"), "h");
  assert.deepEqual(
    [...written].filter((name) => name.includes(" app ")),
    ["twilio/default app shop"],
  );
});

test("without Redis each pod acts on what it sees itself", async () => {
  const broken: SharedCircuits = {
    read: async () => undefined,
    write: async () => {},
    mayProbe: async () => true,
    probeEnded: async () => {},
  };
  let isDown = true;
  const { circuits, dispatch, sent } = pod([scriptedProvider("twilio", () => (isDown ? down : accepted))], broken);
  await fail(dispatch);
  await circuits.readShared();
  await dispatch(await textTo("+49301"), "h");
  assert.equal(sent().length, SERVICE_FAILURES_MIN);
  isDown = false;
  world.clock.advance(OPEN_FIRST_MS + 5_000);
  await dispatch(await textTo("+49302"), "h");
  await dispatch(await textTo("+49303"), "h");
  assert.equal(sent().length, SERVICE_FAILURES_MIN + 2);
});

test("what is no circuit in Redis is ignored, and no pod's clock keeps a circuit open for ever", async () => {
  const open = { since: 3, until: 5, criticalUntil: 5, times: 1, fault: "service", reason: { code: "unavailable" } };
  assert.deepEqual(readCircuit(JSON.stringify({ at: 1, open })), { at: 1, open });
  const { since: _, ...ofEarlierVersion } = open;
  assert.deepEqual(readCircuit(JSON.stringify({ at: 1, open: ofEarlierVersion })), { at: 1, open: { ...open, since: 1 } });
  assert.deepEqual(readCircuit('{"at":1}'), { at: 1 });
  for (const text of ["", "null", "[]", "{}", '{"at":"1"}', '{"at":1e999}', JSON.stringify({ at: 1, open: { ...open, until: -1 } })])
    assert.equal(readCircuit(text), undefined, text);
  for (const over of [{ fault: "other" }, { reason: { code: "made-up" } }, { reason: null }, { times: "1" }])
    assert.equal(readCircuit(JSON.stringify({ at: 1, open: { ...open, ...over } })), undefined, JSON.stringify(over));

  const far = world.clock.now() + 1e12;
  for (const at of [world.clock.now() + 4_000, far]) {
    const reason = { code: "unavailable" } as const;
    const told = new Map([
      ["twilio/default account", { at, open: { since: at, until: far, criticalUntil: far, times: 1, fault: "service" as const, reason } }],
    ]);
    const shared: SharedCircuits = {
      read: async () => told,
      write: async () => {},
      mayProbe: async () => true,
      probeEnded: async () => {},
    };
    const { circuits, dispatch, sent } = pod([scriptedProvider("twilio", () => accepted)], shared);
    await circuits.readShared();
    if (at !== far) world.clock.advance(303_000);
    await dispatch(await textTo("+49301"), "h");
    assert.equal(sent().length, 1);
  }
});
