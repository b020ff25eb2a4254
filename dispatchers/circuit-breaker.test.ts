import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connectRedis } from "../adapters/redis/connect.ts";
import { createSharedCircuits, readCircuit } from "../adapters/redis/shared-circuits.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import type { Channel } from "../core/delivery/channel.ts";
import {
  AMBIGUOUS_ENDPOINTS_MIN,
  OPEN_FIRST_MS,
  OPEN_LONGEST_CRITICAL_MS,
  SERVICE_FAILURES_MIN,
  SERVICE_SPAN_MS,
  SETUP_ENDPOINTS_MIN,
} from "../core/delivery/circuit.ts";
import { LAST_CALL_MS } from "../core/delivery/decide.ts";
import type { Delivery } from "../core/delivery/notification.ts";
import type { Outcome } from "../core/delivery/outcome.ts";
import { toTask } from "../core/delivery/task.ts";
import type { OutboundDelivery } from "../core/ports/provider.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import type { SharedCircuits } from "../core/ports/shared-circuits.ts";
import { createLogger } from "../runtime/logger.ts";
import { accepted, useDispatchWorld } from "../test/support/dispatch-world.ts";
import { eventually } from "../test/support/eventually.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { type ScriptedProvider, scriptedProvider } from "../test/support/scripted-provider.ts";
import { startRedis } from "../test/support/servers.ts";
import { createCircuitBreakers } from "./circuit-breaker.ts";

const world = useDispatchWorld();
const down: Outcome = { kind: "unavailable", fault: { code: "http-503" } };
const wrongKey: Outcome = { kind: "misconfigured", reason: "20003" };
/** A token of another project, for example. */
const foreign: Outcome = { kind: "misconfigured", reason: "21612", scope: "endpoint" };

let keys = 0;
/** A text to a number, accepted and ready for its first attempt. */
async function textTo(
  phoneNumber: string,
  notificationClass: DeliveryTask["notificationClass"] = "transactional",
  app = "shop",
): Promise<DeliveryTask> {
  const n = sampleNotification(`circuit-${++keys}`, world.clock.now(), {
    app,
    notificationClass,
    expiresAt: world.clock.now() + 72_000_000,
  });
  const [d] = n.deliveries;
  const record = { ...n, deliveries: [{ ...d!, endpoint: { channel: "sms", phoneNumber }, endpointId: undefined } satisfies Delivery] };
  await world.store.notifications.insert([record]);
  return toTask(record, record.deliveries[0]!);
}

/** A dispatcher's circuits and its dispatch step. */
function pod(providers: ScriptedProvider[], shared?: SharedCircuits) {
  const { clock } = world;
  const log = createLogger("test", "info", { write: (line) => void world.lines.push(line) });
  const circuits = createCircuitBreakers({ ...{ providers, clock, log, shared }, random: () => 0.5, deadlineMs: 1_000 });
  return { circuits, ...world.setUp({ providers, circuits }) };
}

/** Sends texts to different numbers of a country until the provider has failed for long enough. */
async function fail(dispatch: (task: DeliveryTask, holder: string) => Promise<unknown>, country = "+4930", count = SERVICE_FAILURES_MIN) {
  for (let i = 0; i < count; i++) {
    await dispatch(await textTo(`${country}55${i}`), "h");
    world.clock.advance(SERVICE_SPAN_MS / (SERVICE_FAILURES_MIN - 1));
  }
}
const numbersOf = (sent: readonly OutboundDelivery[]) =>
  sent.map(({ endpoint }) => (endpoint.channel === "sms" ? endpoint.phoneNumber : ""));
const deliveryOf = async (task: DeliveryTask) => (await world.store.notifications.find(task.notificationId))!.deliveries[0]!;

test("while a provider is down, a delivery waits in the store with its reason and without an attempt", async () => {
  const { dispatch, sent } = pod([scriptedProvider("twilio", () => down)]);
  await fail(dispatch);
  const task = await textTo("+49309");
  const settlement = await dispatch(task, "h");
  assert.ok(settlement.kind === "ack" && settlement.waitsMs! >= OPEN_FIRST_MS - SERVICE_SPAN_MS);
  const { state, reason, nextAt, publishedAt, attempt } = await deliveryOf(task);
  assert.deepEqual([state, attempt, publishedAt], ["pending", 1, 0]);
  assert.deepEqual(reason, { code: "unavailable", detail: "circuit open: http-503" });
  assert.equal(nextAt, world.clock.now() + settlement.waitsMs!);
  assert.equal(sent().length, SERVICE_FAILURES_MIN);
  assert.match(world.lines.join(), /"circuit":"twilio\/default account","reason":"unavailable: http-503".*circuit opened/);
});

test("a delivery does not wait past its expiry", async () => {
  const { dispatch } = pod([scriptedProvider("twilio", () => down)]);
  await fail(dispatch);
  const task = { ...(await textTo("+49309")), expiresAt: world.clock.now() + 1_000 };
  assert.deepEqual(await dispatch(task, "h"), { kind: "ack", waitsMs: 1_000 });
});

test("a delivery that lives shorter than a circuit is open is tried once more before it expires", async () => {
  let outcome: Outcome = { ...down, retryAfterMs: 300_000 } as Outcome;
  const { circuits, dispatch, sent } = pod([scriptedProvider("twilio", () => outcome)]);
  await fail(dispatch);
  for (const lifeMs of [60_000, 20_000]) {
    const task = { ...(await textTo("+49309")), expiresAt: world.clock.now() + lifeMs };
    const settlement = await dispatch(task, "h");
    assert.ok(settlement.kind === "ack" && settlement.waitsMs! > 0 && settlement.waitsMs! <= lifeMs - LAST_CALL_MS, `${settlement.kind}`);
    assert.equal((await deliveryOf(task)).nextAt, world.clock.now() + settlement.waitsMs!);
  }
  const task = { ...(await textTo("+49308")), expiresAt: world.clock.now() + 60_000 };
  await dispatch(task, "h");
  [outcome] = [accepted];
  circuits.close();
  world.clock.advance((await deliveryOf(task)).nextAt! - world.clock.now());
  assert.deepEqual(await dispatch({ ...task, publication: 1 }, "h"), { kind: "ack" });
  assert.equal(numbersOf(sent()).at(-1), "+49308");
});

for (const [what, answer] of [
  ["our key", wrongKey],
  ["our key or the endpoint", foreign],
  ["the provider", down],
] as const)
  test(`one bad endpoint whose answers blame ${what}, however often it is tried, keeps nobody waiting`, async () => {
    const bad = "+4930666";
    const { dispatch, sent } = pod([
      scriptedProvider("twilio", ({ endpoint }) => (numbersOf([{ endpoint } as OutboundDelivery])[0] === bad ? answer : accepted)),
    ]);
    for (let i = 0; i < 50; i++) {
      await dispatch(await textTo(bad, "marketing"), "h");
      world.clock.advance(SERVICE_SPAN_MS / 10);
    }
    assert.deepEqual(await dispatch(await textTo("+49301", "critical"), "h"), { kind: "ack" }, "of the same app");
    assert.equal(numbersOf(sent()).at(-1), "+49301");
  });

test("an app with many endpoints that are not ours keeps only itself waiting, and its critical probes nobody else", async () => {
  const isForeign = (to: OutboundDelivery["endpoint"]) => to.channel === "sms" && to.phoneNumber.startsWith("+4930");
  const { circuits, dispatch, sent } = pod([scriptedProvider("twilio", ({ endpoint }) => (isForeign(endpoint) ? foreign : accepted))]);
  for (let i = 0; i < AMBIGUOUS_ENDPOINTS_MIN; i++) await dispatch(await textTo(`+4930${i}`, "critical", "stray"), "h");
  const late = await dispatch(await textTo("+4915199", "critical", "stray"), "h");
  assert.ok(late.kind === "ack" && late.waitsMs! > 0, "the app's own texts wait");
  assert.match(world.lines.join(), /"circuit":"twilio\/default app stray","reason":"misconfigured: 21612"/);
  for (let i = 0; i < 5; i++) {
    assert.deepEqual(await dispatch(await textTo(`+4915${i}`, "marketing", "shop"), "h"), { kind: "ack" });
    assert.equal(numbersOf(sent()).at(-1), `+4915${i}`);
    world.clock.advance(OPEN_LONGEST_CRITICAL_MS);
    const before = sent().length;
    const probe = await circuits.choose({ ...(await textTo(`+49309${i}`, "critical", "stray")), attempt: 1 });
    assert.ok(probe.kind === "call" && probe.probes.length === 1);
    circuits.record(probe, foreign);
    assert.equal(sent().length, before);
  }
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

test("a country that fails delays no other country, and its texts leave by the second provider alone", async () => {
  const closed: Outcome = { kind: "misconfigured", reason: "region-not-enabled", scope: "destination-country" };
  const first = scriptedProvider("twilio", ({ endpoint }) =>
    endpoint.channel === "sms" && endpoint.phoneNumber.startsWith("+91") ? closed : accepted,
  );
  const second = scriptedProvider("vonage", () => accepted);
  const { dispatch } = pod([first, second]);
  for (let i = 0; i < SETUP_ENDPOINTS_MIN; i++) await dispatch(await textTo(`+9198765${i}`), "h");
  await dispatch(await textTo("+91987659"), "h");
  for (let i = 0; i < 20; i++) await dispatch(await textTo(`+49151${i}`, "critical"), "h");
  assert.deepEqual(numbersOf(second.sent), ["+91987659"]);
  assert.equal(numbersOf(first.sent).filter((n) => n.startsWith("+49")).length, 20);
});

test("of 320 tasks that wait for a circuit to close one makes a call, and the others wait for its answer", async () => {
  let answer: ((outcome: Outcome) => void) | undefined;
  let isDown = true;
  const provider = scriptedProvider("twilio", () => (isDown ? down : new Promise<Outcome>((resolve) => (answer = resolve))));
  const { dispatch, sent } = pod([provider]);
  await fail(dispatch);
  isDown = false;
  world.clock.advance(OPEN_FIRST_MS + 5_000);
  const before = sent().length;
  const tasks = await Promise.all(Array.from({ length: 320 }, (_, i) => textTo(`+4930${1_000 + i}`)));
  const settled = tasks.map((task) => dispatch(task, "h"));
  const rest = await Promise.all(settled.slice(1));
  await eventually("the probe is called", () => answer !== undefined);
  assert.equal(sent().length - before, 1);
  assert.ok(rest.every((s) => s.kind === "ack" && s.waitsMs! > 0));
  answer!(accepted);
  assert.deepEqual(await settled[0], { kind: "ack" });
  provider.send = async () => accepted;
  assert.deepEqual(await dispatch(await textTo("+49309"), "h"), { kind: "ack" }, "the circuit is closed");
});

test("a probe that is not made leaves its turn to the next task", async () => {
  let isDown = true;
  const provider = scriptedProvider("twilio", () => (isDown ? down : accepted));
  const { circuits, dispatch, sent } = pod([provider]);
  await fail(dispatch);
  isDown = false;
  world.clock.advance(OPEN_FIRST_MS + 5_000);
  const optedOut = world.setUp({ providers: [provider], circuits, optOut: "opted-out" });
  await optedOut.dispatch(await textTo("+49307"), "h");
  const before = sent().length;
  assert.deepEqual(await dispatch(await textTo("+49308"), "h"), { kind: "ack" });
  assert.equal(sent().length - before, 1);
});

test("a probe whose admission fails leaves its turn to the next task", async () => {
  let isDown = true;
  const provider = scriptedProvider("twilio", () => (isDown ? down : accepted));
  const { circuits, dispatch, sent } = pod([provider]);
  await fail(dispatch);
  isDown = false;
  world.clock.advance(OPEN_FIRST_MS + 5_000);
  const rateLimiter = { take: () => Promise.reject(new Error("defect")) };
  await assert.rejects(world.setUp({ providers: [provider], circuits, rateLimiter }).dispatch(await textTo("+49307"), "h"), /defect/);
  const before = sent().length;
  assert.deepEqual(await dispatch(await textTo("+49308"), "h"), { kind: "ack" });
  assert.equal(sent().length - before, 1);
});

test("a probe whose claim is not confirmed ends once, and not the probe that follows it", async () => {
  let isDown = true;
  const provider = scriptedProvider("twilio", () => (isDown ? down : accepted));
  const { circuits, dispatch } = pod([provider]);
  await fail(dispatch);
  isDown = false;
  world.clock.advance(OPEN_FIRST_MS + 5_000);
  const [own, second, third] = [await textTo("+49306"), await textTo("+49307"), await textTo("+49308")];
  const { attempts } = world.store;
  const passages: string[] = [];
  const store = {
    ...world.store,
    attempts: {
      ...attempts,
      async claim(all: Parameters<typeof attempts.claim>[0]) {
        await attempts.claim(all);
        throw new StoreError("not confirmed by a majority in time");
      },
      async record(all: Parameters<typeof attempts.record>[0]) {
        passages.push((await circuits.choose({ ...second, attempt: 1 })).kind);
        return attempts.record(all);
      },
    },
  };
  await world.setUp({ providers: [provider], circuits, store }).dispatch(own, "h");
  passages.push((await circuits.choose({ ...third, attempt: 1 })).kind);
  assert.deepEqual(passages, ["call", "wait"]);
});

test("new credentials close an open circuit", async () => {
  let outcome: Outcome = wrongKey;
  const { circuits, dispatch, sent } = pod([scriptedProvider("twilio", () => outcome)]);
  await fail(dispatch, "+4930", SETUP_ENDPOINTS_MIN);
  outcome = accepted;
  const before = sent().length;
  await dispatch(await textTo("+49301"), "h");
  assert.equal(sent().length, before);
  circuits.close();
  await dispatch(await textTo("+49302"), "h");
  assert.equal(sent().length, before + 1);
});

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
  await two!.circuits.look();
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
  await two!.circuits.look();
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
    await one.circuits.look();
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
  await circuits.look();
  await dispatch(await textTo("+49301"), "h");
  assert.equal(sent().length, SERVICE_FAILURES_MIN);
  isDown = false;
  world.clock.advance(OPEN_FIRST_MS + 5_000);
  await dispatch(await textTo("+49302"), "h");
  await dispatch(await textTo("+49303"), "h");
  assert.equal(sent().length, SERVICE_FAILURES_MIN + 2);
});

test("what is no circuit in Redis is ignored, and no pod's clock keeps a circuit open for ever", async () => {
  const open = { until: 5, criticalUntil: 5, times: 1, fault: "service", reason: { code: "unavailable" } };
  assert.deepEqual(readCircuit(JSON.stringify({ at: 1, open })), { at: 1, open });
  assert.deepEqual(readCircuit('{"at":1}'), { at: 1 });
  for (const text of ["", "null", "[]", "{}", '{"at":"1"}', '{"at":1e999}', JSON.stringify({ at: 1, open: { ...open, until: -1 } })])
    assert.equal(readCircuit(text), undefined, text);
  for (const over of [{ fault: "other" }, { reason: { code: "made-up" } }, { reason: null }, { times: "1" }])
    assert.equal(readCircuit(JSON.stringify({ at: 1, open: { ...open, ...over } })), undefined, JSON.stringify(over));

  const far = world.clock.now() + 1e12;
  for (const at of [world.clock.now() + 4_000, far]) {
    const reason = { code: "unavailable" } as const;
    const told = new Map([
      ["twilio/default account", { at, open: { until: far, criticalUntil: far, times: 1, fault: "service" as const, reason } }],
    ]);
    const shared: SharedCircuits = {
      read: async () => told,
      write: async () => {},
      mayProbe: async () => true,
      probeEnded: async () => {},
    };
    const { circuits, dispatch, sent } = pod([scriptedProvider("twilio", () => accepted)], shared);
    await circuits.look();
    if (at !== far) world.clock.advance(303_000);
    await dispatch(await textTo("+49301"), "h");
    assert.equal(sent().length, 1);
  }
});
