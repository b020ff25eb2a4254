// Which of the tasks that wait begins next. Each begins when another ends, so that the order is the queue's alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NotificationClass } from "../core/delivery/channel.ts";
import { toTask } from "../core/delivery/task.ts";
import type { Settlement, TaskCopy } from "../core/ports/queue.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { FLOOR_EVERY } from "./class-turns.ts";
import { SUSPECT_DELIVERIES } from "./poison-guard.ts";
import { PREPARING_MIN } from "./preparing-limit.ts";
import { createStartQueue, heldOf, inFlightOf } from "./start-queue.ts";

const ACK_WAIT_MS = 20_000;
/** A busy process prepares few tasks at once. */
const BUSY = () => 1;
const turn = () => new Promise(setImmediate);

function setUp({ inFlightMax = 128, weights = {} as Record<string, number>, utilization = BUSY } = {}) {
  const clock = createFakeClock();
  const draining = new AbortController();
  const begun: string[] = [];
  const running = new Map<string, (settlement: Settlement) => void>();
  const settled = new Map<string, Settlement>();
  const queue = createStartQueue(
    ({ holder }) => {
      begun.push(holder);
      return new Promise((resolve) => running.set(holder, resolve));
    },
    {
      ...{ inFlightMax, ackWaitMs: ACK_WAIT_MS, clock, createUtilization: () => utilization, signal: draining.signal },
      weightOf: (app) => weights[app] ?? 1,
    },
  );
  let count = 0;
  const give = (app: string, notificationClass: NotificationClass = "critical", more: Partial<TaskCopy> = {}) => {
    const holder = `${app}${++count}`;
    const n = { ...sampleNotification(holder, clock.now()), app, notificationClass };
    const task = toTask(n, n.deliveries[0]!);
    const copy = { task, bytes: Buffer.from("task"), channel: "sms", notificationClass, messageId: holder, deliveries: 1, holder } as const;
    void queue.handle({ ...copy, ...more }).then((settlement) => settled.set(holder, settlement));
    return holder;
  };
  const end = async (holder: string) => {
    running.get(holder)!({ kind: "ack" });
    running.delete(holder);
    await turn();
  };
  /** Ends the oldest running ones; the names of what began meanwhile, without numbers. */
  const next = async (ends: number) => {
    const before = begun.length;
    for (let i = 0; i < ends; i++) await end([...running.keys()][0]!);
    return begun.slice(before).map((holder) => holder.replace(/\d+$/, ""));
  };
  return { clock, begun, running, settled, give, end, next, calling: queue.calling, drain: () => draining.abort() };
}
const fill = (give: (app: string, c?: NotificationClass) => string, count: number, app: string, c?: NotificationClass) => {
  for (let i = 0; i < count; i++) give(app, c);
};

test("an app's only task begins next, however many of the others' were delivered before", async () => {
  const { give, next, begun } = setUp();
  fill(give, 100, "ads");
  fill(give, 20, "shop");
  give("bank");
  assert.deepEqual(begun.length, PREPARING_MIN + 2, "shop's first one and bank's waited for no turn");
  assert.ok(begun.at(-1)!.startsWith("bank"));
  give("bank");
  const order = await next(5);
  assert.ok(order.slice(0, 5).includes("bank"), order.join());
});

test("tasks of many apps begin at once only up to a bound, and not before a higher class", () => {
  const { give, begun } = setUp();
  for (let i = 0; i < 3 * PREPARING_MIN; i++) give(`app-${i}-`);
  assert.equal(begun.length, 2 * PREPARING_MIN);
  const other = setUp();
  fill(other.give, 2 * PREPARING_MIN, "ads");
  other.give("bank", "marketing");
  assert.equal(other.begun.length, PREPARING_MIN);
});

test("apps with one task each stop neither an app that waits nor a lower class, however many they are", async () => {
  const { clock, begun, running, give, end } = setUp({ inFlightMax: 600 });
  const PREPARING_MS = 20;
  const PER_MS = 1.2;
  const [waiting, campaign] = [300, 300];
  fill(give, waiting, "ads");
  fill(give, campaign, "shop", "marketing");
  const ends: { holder: string; at: number }[] = [];
  let seen = 0;
  let apps = 0;
  for (let ms = 0; ms < 500; ms++) {
    for (; seen < begun.length; seen++) ends.push({ holder: begun[seen]!, at: ms + PREPARING_MS });
    while (ends[0] && ends[0].at <= ms) await end(ends.shift()!.holder);
    for (; apps < ms * PER_MS; apps++) give(`app-${apps}-`);
    clock.advance(1);
  }
  const of = (app: string) => begun.filter((holder) => holder.startsWith(app)).length;
  const capacity = (2 * PREPARING_MIN * 500) / PREPARING_MS;
  assert.ok(begun.length >= 0.9 * capacity && running.size <= 2 * PREPARING_MIN, `${begun.length} of ${capacity}`);
  assert.ok(of("ads") >= 60, `${of("ads")} of ads`);
  assert.ok(of("shop") >= begun.length / (FLOOR_EVERY + 2), `${of("shop")} of the campaign`);
});

test("an app of weight 3 begins three times as many tasks", async () => {
  const { give, next } = setUp({ weights: { bank: 3 } });
  fill(give, 60, "ads");
  fill(give, 60, "bank");
  // The last of them is bank's first, which waited for no turn.
  await next(PREPARING_MIN + 1);
  const order = await next(40);
  assert.equal(order.filter((app) => app === "bank").length, 30);
  assert.deepEqual(
    new Set([order.slice(0, 4), order.slice(4, 8)].map((turns) => turns.toSorted().join())),
    new Set(["ads,bank,bank,bank"]),
  );
});

test("classes begin strictly by rank, and the lower ones get a turn in ten", async () => {
  const { give, next } = setUp();
  fill(give, PREPARING_MIN, "begun");
  fill(give, 40, "m", "marketing");
  fill(give, 60, "t", "transactional");
  fill(give, 100, "c", "critical");
  const order = await next(60);
  // The first t and c waited for no turn, and passed the lower classes.
  assert.deepEqual(order.slice(0, FLOOR_EVERY - 2), Array(FLOOR_EVERY - 2).fill("c"));
  for (const lower of ["t", "m"]) {
    const turns = order.filter((app) => app === lower).length;
    assert.ok(turns >= 4 && turns <= 6, `${lower}: ${turns}`);
  }
});

test("a task that waits for its provider leaves its place to the next, up to the tasks in flight", async () => {
  const inFlightMax = 24;
  const { give, begun, running, calling, end } = setUp({ inFlightMax });
  fill(give, heldOf("critical", inFlightMax), "ads");
  assert.equal(begun.length, PREPARING_MIN);
  for (const holder of [...running.keys()]) calling(holder);
  assert.equal(begun.length, inFlightMax);
  await end(begun[0]!);
  assert.equal(begun.length, inFlightMax + 1);
});

test("a class whose tasks are all in flight holds back none of another's", async () => {
  const { give, begun, running, calling } = setUp({ inFlightMax: 8 });
  fill(give, 12, "c", "critical");
  fill(give, 2, "m", "marketing");
  for (const holder of [...running.keys()]) calling(holder);
  assert.deepEqual([inFlightOf("critical", 8), begun.filter((holder) => holder.startsWith("m")).length], [8, 2]);
});

test("what may have killed a worker takes no place from the others while it waits for its turn alone", () => {
  const { give, begun } = setUp();
  for (let i = 0; i < PREPARING_MIN; i++) give("crashed", "critical", { deliveries: SUSPECT_DELIVERIES });
  fill(give, PREPARING_MIN, "ads");
  assert.equal(begun.length, 2 * PREPARING_MIN);
});

test("while the process idles, more tasks are prepared at once, and fewer again when it is busy", async () => {
  let busy = 0;
  const { give, clock, running, next } = setUp({ utilization: () => busy });
  fill(give, 171, "ads");
  for (let i = 0; i < 4; i++) {
    clock.advance(100);
    await next(1);
  }
  assert.equal(running.size, 128);
  busy = 1;
  for (let i = 0; i < 4; i++) {
    clock.advance(100);
    await next(1);
  }
  assert.equal(running.size, 124);
});

test("while critical tasks arrive, marketing has as many tasks in flight as leave the process idle for a part of the time", async () => {
  let busy = 1;
  const { give, clock, running, calling, end } = setUp({ utilization: () => busy });
  const inFlight = () => [...running.keys()].filter((holder) => holder.startsWith("ads")).length;
  /** Every 100 ms a critical task, and marketing tasks for all places; what waits for its provider is ended half by half. */
  const spend = async (steps: number, hasCritical = true) => {
    for (let i = 0; i < steps; i++) {
      clock.advance(100);
      if (hasCritical) await end(give("bank"));
      fill(give, 8, "ads", "marketing");
      for (const holder of [...running.keys()]) calling(holder);
      if (busy > 0.6) for (const holder of [...running.keys()].slice(0, 8)) await end(holder);
    }
  };
  await spend(30);
  assert.equal(inFlight(), 1);
  busy = 0.6;
  await spend(5);
  assert.equal(inFlight(), 1);
  busy = 0.2;
  await spend(30);
  assert.equal(inFlight(), inFlightOf("marketing", 128));
  busy = 1;
  await spend(30);
  assert.equal(inFlight(), 1);
  clock.advance(2_000);
  await spend(20, false);
  assert.ok(inFlight() > 20, `${inFlight()} in flight without critical tasks`);
});

test("marketing tasks begin again after the last critical one, although nothing ends", async () => {
  const { give, clock, begun, calling, end } = setUp();
  await end(give("bank"));
  fill(give, 40, "ads", "marketing");
  for (const holder of [...begun]) calling(holder);
  const before = begun.length;
  assert.ok(before < 41, `${before} begun`);
  for (let ms = 0; ms < 2_500; ms += 250) {
    clock.advance(250);
    await turn();
  }
  assert.ok(begun.length > before, `${begun.length} begun`);
});

test("a task that has waited for a part of ack_wait returns to the queue unhandled, and the rest are handled", async () => {
  const { give, clock, settled, begun, next } = setUp();
  fill(give, PREPARING_MIN, "ads");
  const late = give("ads");
  clock.advance(ACK_WAIT_MS / 4 - 250);
  await turn();
  const young = give("ads");
  clock.advance(250);
  await turn();
  assert.deepEqual([...settled.keys()], [late]);
  const settlement = settled.get(late)!;
  assert.ok(settlement.kind === "nak" && settlement.ready && settlement.delayMs < 1_000);
  await next(PREPARING_MIN + 1);
  assert.deepEqual([begun.includes(late), begun.includes(young), settled.size], [false, true, PREPARING_MIN + 2]);
});

test("a drain returns what waits to the queue at once, and lets the begun ones end", async () => {
  const { give, settled, begun, running, next, drain } = setUp();
  fill(give, PREPARING_MIN + 20, "ads");
  drain();
  await turn();
  assert.deepEqual([settled.size, [...settled.values()].every(({ kind }) => kind === "nak")], [20, true]);
  const after = give("bank");
  await turn();
  assert.equal(settled.get(after)?.kind, "nak");
  await next(running.size);
  assert.deepEqual([begun.length, settled.size], [PREPARING_MIN, PREPARING_MIN + 21]);
});

test("all that a pod pulls finds room, of one app too, and beyond the bound it returns to the queue", async () => {
  const inFlightMax = 24;
  const { give, settled, begun, next, running } = setUp({ inFlightMax });
  fill(give, heldOf("critical", inFlightMax), "ads");
  await turn();
  assert.equal(settled.size, 0);
  fill(give, 10 * inFlightMax, "ads");
  await turn();
  assert.ok(settled.size > 0 && [...settled.values()].every(({ kind }) => kind === "nak"));
  while (running.size > 0) await next(1);
  assert.equal(settled.size, heldOf("critical", inFlightMax) + 10 * inFlightMax);
  assert.equal(begun.length, [...settled.values()].filter(({ kind }) => kind === "ack").length);
});

test("a message that is delivered again to the same worker while it is prepared leaves no place taken", async () => {
  const { give, end, begun, running } = setUp();
  const holder = "worker:1";
  give("bank", "critical", { holder });
  const endFirst = running.get(holder)!;
  give("bank", "critical", { holder, deliveries: 2 });
  endFirst({ kind: "ack" });
  await end(holder);
  fill(give, PREPARING_MIN, "ads");
  const before = begun.length;
  give("bank");
  assert.equal(begun.length, before + 1, "bank's only task waits for no turn");
  fill(give, 2 * PREPARING_MIN, "ads");
  for (const each of [...running.keys()]) await end(each);
  assert.equal(running.size, PREPARING_MIN, "as many as before are prepared at once");
});

test("a task that throws frees its place", async () => {
  const clock = createFakeClock();
  const parts = {
    inFlightMax: 1,
    ackWaitMs: ACK_WAIT_MS,
    clock,
    createUtilization: () => BUSY,
    weightOf: () => 1,
    signal: new AbortController().signal,
  };
  const queue = createStartQueue(() => Promise.reject(new Error("broken")), parts);
  const copy = {
    task: undefined,
    bytes: Buffer.from("?"),
    channel: "sms",
    notificationClass: "critical",
    messageId: "m",
    deliveries: 1,
  } as const;
  for (const holder of ["h1", "h2"]) await assert.rejects(queue.handle({ ...copy, holder }), /broken/);
});
