import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { createServedApps } from "../adapters/store/served-apps.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import type { CapPlace, CapStore } from "../core/ports/cap-store.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import type { FrequencyCap } from "../core/preferences/category.ts";
import { useDispatchWorld } from "../test/support/dispatch-world.ts";
import { sampleApp } from "../test/support/store/samples.ts";
import { type CapCheck, createCapCheck } from "./cap-check.ts";

const world = useDispatchWorld();
const HOUR_MS = 3_600_000;
let calls: (readonly CapPlace[])[];
beforeEach(() => {
  calls = [];
});

async function setUp(over: Partial<FrequencyCap> = {}, take?: CapStore["take"]) {
  const cap: FrequencyCap = { max: 2, windowMs: HOUR_MS, defer: false, ...over };
  await world.store.apps.change("app", () => sampleApp({ categories: [{ name: "orders", labels: {}, default: "opted-in", cap }] }));
  const caps: CapStore = {
    ...world.store.caps,
    take(places) {
      calls.push(places);
      return (take ?? world.store.caps.take)(places);
    },
  };
  return createCapCheck({ caps, appOf: createServedApps(world.store.apps, world.clock), clock: world.clock });
}
/** A task of another notification to the same user. */
const task = (name: string, over: Partial<DeliveryTask> = {}): DeliveryTask => ({ ...world.task(), notificationId: name, ...over });

test("a user is sent as many of a category within a window as its cap says, and again in the next", async () => {
  const check = await setUp();
  const kinds = async (...names: string[]) => {
    const answers = [];
    for (const name of names) answers.push((await check(task(name))).kind);
    return answers;
  };
  assert.deepEqual(await kinds("a", "b", "c", "a"), ["below", "below", "full", "below"]);
  const leftMs = HOUR_MS - (world.clock.now() % HOUR_MS);
  world.clock.advance(leftMs - 1);
  assert.deepEqual(await kinds("c"), ["full"]);
  world.clock.advance(1);
  assert.deepEqual(await kinds("c", "a", "d"), ["below", "below", "full"]);
});

test("of concurrent tasks exactly as many get a place, in one call of the store", async () => {
  const check = await setUp({ max: 7 });
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => check(task(`n${i}`))));
  assert.equal(answers.filter(({ kind }) => kind === "below").length, 7);
  assert.equal(calls.length, 1);
});

test("a place that was given is asked for once; a full window each time", async () => {
  const check = await setUp({ max: 1 });
  for (const name of ["a", "a", "b", "b"]) await check(task(name));
  assert.deepEqual(
    calls.map(([place]) => place!.notificationId),
    ["a", "b", "b"],
  );
});

const at = (name: string, over: Partial<DeliveryTask> = {}) => task(name, { expiresAt: world.clock.now() + 24 * HOUR_MS, ...over });
/** How many windows after this one it may be sent; 0: now. */
const windowOf = async (check: CapCheck, task: DeliveryTask) => {
  const answer = await check(task);
  const from = Math.floor(world.clock.now() / HOUR_MS) * HOUR_MS;
  return answer.kind === "full" ? (answer.until - from) / HOUR_MS : answer.kind === "below" ? 0 : answer.kind;
};

test("what waits has its place in a later window, in the order in which it came, and what is new there does not get it", async () => {
  const check = await setUp({ max: 2, defer: true });
  const waits = [];
  for (const name of ["a", "b", "c", "d", "e", "c", "e"]) waits.push(await windowOf(check, at(name)));
  assert.deepEqual(waits, [0, 0, 1, 1, 2, 1, 2]);
  world.clock.advance(HOUR_MS - (world.clock.now() % HOUR_MS));
  // In a process that was started since, too.
  for (const dispatcher of [check, await setUp({ max: 2, defer: true })]) {
    const later = [];
    for (const name of ["new", "c", "d", "e"]) later.push(await windowOf(dispatcher, at(name)));
    assert.deepEqual(later, [1, 0, 0, 1]);
  }
});

test("of concurrent tasks that wait each window gets exactly as many as it has places", async () => {
  const check = await setUp({ max: 3, defer: true });
  const waits = await Promise.all(Array.from({ length: 12 }, (_, i) => windowOf(check, at(`n${i}`))));
  assert.deepEqual(waits.toSorted(), [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
});

test("what expires before a window has a place takes none: it may not be sent before its expiry", async () => {
  const check = await setUp({ max: 1, defer: true });
  for (const name of ["a", "b"]) await check(at(name));
  const from = Math.floor(world.clock.now() / HOUR_MS) * HOUR_MS;
  assert.equal(await windowOf(check, at("c", { expiresAt: from + 2 * HOUR_MS })), 2);
  assert.equal(await windowOf(check, at("d")), 2, "the place is still there");
});

test("where many windows are full, it waits for the one after them, and looks on from there", async () => {
  const check = await setUp({ max: 1, defer: true });
  const waits = [];
  for (let i = 0; i < 11; i++) waits.push(await windowOf(check, at(`n${i}`)));
  assert.deepEqual(waits, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]);
  world.clock.advance(9 * HOUR_MS);
  assert.equal(await windowOf(check, at("n9")), 0);
  assert.equal(await windowOf(check, at("n10")), 1);
});

test("beyond a cap that does not defer, no later place is taken", async () => {
  const check = await setUp({ max: 1 });
  for (const name of ["a", "b"]) await check(at(name));
  world.clock.advance(HOUR_MS);
  assert.equal(await windowOf(check, at("c")), 0);
});

test("what repeats an attempt of unknown outcome is not counted again, and its reason outlives a wait", async () => {
  const check = await setUp({ max: 1 });
  await check(at("a"));
  assert.equal(await windowOf(check, at("b", { policyResend: true })), 0);
  assert.equal(await windowOf(check, at("b")), 1);
  const { dispatch } = world.setUp({ sendingTimes: async () => ({ kind: "closed", until: world.clock.now() + HOUR_MS }) });
  await dispatch({ ...world.task(), policyResend: true, expiresAt: world.clock.now() + 1_000 }, "h");
  const { state, reason } = await world.delivery();
  assert.deepEqual([state, reason], ["failed", { code: "outcome-unknown" }]);
});

test("other users, apps without the category and other categories are not counted together, and what is critical is not counted", async () => {
  const check = await setUp({ max: 1 });
  const kind = async (over: Partial<DeliveryTask>) => (await check(task(Object.values(over).join(), over))).kind;
  await check(task("first"));
  assert.equal(await kind({}), "full");
  assert.equal(await kind({ userId: "bob" }), "below");
  assert.equal(await kind({ category: "news" }), "below");
  assert.equal(await kind({ app: "other" }), "below");
  assert.equal(await kind({ notificationClass: "critical" }), "below");
  assert.equal(await kind({ notificationClass: "marketing" }), "full");
});

test("an address that was given outright is counted by itself", async () => {
  const check = await setUp({ max: 1 });
  const kind = async (name: string, phoneNumber: string) =>
    (await check(task(name, { userId: undefined, endpointId: undefined, endpoint: { channel: "sms", phoneNumber } }))).kind;
  assert.deepEqual([await kind("a", "+1"), await kind("b", "+1"), await kind("c", "+2")], ["below", "full", "below"]);
});

test("where a place cannot be taken it is unknown whether the window is full", async () => {
  const check = await setUp({}, async () => {
    throw new StoreError("down");
  });
  assert.deepEqual(await check(task("a")), { kind: "unreadable" });
});

for (const [defer, expiresInMs, state, waits] of [
  [false, 4 * HOUR_MS, "suppressed", false],
  [true, 4 * HOUR_MS, "pending", true],
  [true, HOUR_MS, "expired", false],
] as const)
  test(`beyond a cap that ${defer ? "defers" : "does not defer"}, with ${expiresInMs / HOUR_MS} h to live, a delivery is ${state}, without an attempt`, async () => {
    const { clock } = world;
    const until = clock.now() + HOUR_MS;
    const checkCap = async () => ({ kind: "full", defer, until, windowMs: HOUR_MS }) as const;
    const { dispatch, sent } = world.setUp({ checkCap });
    assert.deepEqual(await dispatch({ ...world.task(), expiresAt: clock.now() + expiresInMs }, "h"), { kind: "ack" });
    const delivery = await world.delivery();
    assert.deepEqual([delivery.state, delivery.reason, sent().length], [state, { code: "cap" }, 0]);
    assert.equal(delivery.nextAt !== undefined && delivery.nextAt >= until && delivery.nextAt < until + HOUR_MS / 4, waits);
    const later = world.setUp();
    await later.dispatch({ ...world.task(), publication: 1 }, "h");
    assert.equal(later.sent().length, waits ? 1 : 0);
  });

test("while places cannot be taken, the task returns to the queue", async () => {
  const { dispatch, sent } = world.setUp({ checkCap: async () => ({ kind: "unreadable" }) });
  assert.equal((await dispatch(world.task(), "h")).kind, "nak");
  assert.equal(sent().length, 0);
});

test("a retry keeps the place of its notification", async () => {
  const check = await setUp({ max: 1 });
  const outcomes = [
    { kind: "unavailable", fault: { code: "down" } },
    { kind: "accepted", providerRef: "r" },
  ] as const;
  const { scriptedProvider } = await import("../test/support/scripted-provider.ts");
  let call = 0;
  const { dispatch } = world.setUp({ checkCap: check, providers: [scriptedProvider("twilio", () => outcomes[call++]!)] });
  await dispatch(world.task(), "h");
  const { attempt } = await world.delivery();
  await dispatch({ ...world.task(), attempt }, "h");
  assert.deepEqual([(await world.delivery()).state, call], ["sent", 2]);
  assert.equal((await check(task("another"))).kind, "full");
});
