import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueueDepth } from "../ports/queue.ts";
import type { NotificationClass } from "./channel.ts";
import { type Capacity, FILLED_SHARE, KNOWN_MS, learnCapacity, QUEUED_MIN, roomOf, STUCK_MS } from "./share.ts";

const READ_EVERY_MS = 50;
const weightOf = () => 1;

/** Dispatchers that hold so many tasks at once, and apps that always fill the queue up to its bound. */
function createQueue(holds: number) {
  const state = { holds, queued: 0, delivered: 0, dead: 0, now: 0, capacity: undefined as Capacity | undefined };
  const read = (): QueueDepth => {
    const held = Math.min(state.queued, state.holds + state.dead);
    const waiting = state.queued - held;
    const pulls = held < state.holds + state.dead ? 1 : 0;
    return { waiting, held, pulls, delivered: state.delivered, byApp: new Map([["ads", state.queued]]) };
  };
  const learn = () => {
    state.capacity = learnCapacity(state.capacity, read(), true, state.now);
  };
  const roomFor = (app: string) => roomOf(read(), new Map(), state.capacity!, app, weightOf);
  return {
    state,
    read,
    roomFor,
    /** @param ends tasks that end between two readings */
    pass(ms: number, ends = 40) {
      for (const until = state.now + ms; state.now < until; state.now += READ_EVERY_MS) {
        learn();
        // A gateway and a relay, which read at the same moment.
        state.queued += 2 * roomFor("ads");
        learn();
        const ended = Math.min(ends, state.queued - state.dead);
        state.queued -= ended;
        state.delivered += ended;
      }
      learn();
    },
  };
}

for (const holds of [16, 171, 1_710])
  test(`a greedy app fills what dispatchers hold at once but for a part, where they hold ${holds}`, () => {
    const queue = createQueue(holds);
    queue.pass(10_000, Math.ceil(holds / 4));
    const bound = Math.max(QUEUED_MIN, holds * FILLED_SHARE);
    const { held, waiting } = queue.read();
    const filled = held + waiting + 2 * queue.roomFor("ads");
    assert.ok(filled >= 0.8 * bound && filled <= 1.2 * bound, `${filled} of ${bound}`);
    assert.ok(queue.roomFor("bank") >= bound / 5, "another app's next tasks are published at once");
    if (holds > QUEUED_MIN) assert.equal(waiting, 0, "and delivered at once");
  });

test("dispatchers that hold more are found, and those that hold less", () => {
  const queue = createQueue(171);
  queue.pass(10_000);
  queue.state.holds = 684;
  queue.pass(KNOWN_MS + 10_000, 160);
  assert.ok(queue.read().held + queue.roomFor("ads") >= 0.8 * 684 * FILLED_SHARE, `${queue.read().held} are held`);
  queue.state.holds = 171;
  queue.pass(5_000);
  assert.ok(queue.read().waiting === 0 && queue.read().held <= 171, `${queue.read().held} are held`);
});

test("tasks that a dead pod holds until ack_wait do not stop the others", () => {
  const queue = createQueue(171);
  queue.pass(10_000);
  queue.state.dead = queue.state.queued;
  const before = queue.state.delivered;
  queue.pass(STUCK_MS + 5_000);
  assert.ok(queue.state.delivered - before > 1_000, `${queue.state.delivered - before} were delivered`);
});

test("a reading that falls between two pulls changes little", () => {
  const queue = createQueue(171);
  queue.pass(10_000);
  const before = queue.state.capacity!.tasks;
  const between = learnCapacity(queue.state.capacity, { ...queue.read(), waiting: 5, held: 20, pulls: 0 }, true, queue.state.now);
  assert.ok(between.tasks >= 0.8 * before);
});

test("after a time without any dispatcher as much is published as before", () => {
  const { state, pass, roomFor } = createQueue(1_710);
  pass(10_000, 640);
  state.queued = 0;
  const before = roomFor("ads");
  // A few tasks wait, what was delivered ends, and nothing more is delivered.
  const stopped: QueueDepth = { waiting: 5, held: 0, pulls: 0, delivered: state.delivered, byApp: new Map([["shop", 5]]) };
  for (let held = 1_200; held > -1_000; held -= 50, state.now += READ_EVERY_MS)
    state.capacity = learnCapacity(state.capacity, { ...stopped, held: Math.max(0, held) }, false, state.now);
  assert.ok(before > 500 && roomFor("ads") === before, `${roomFor("ads")} instead of ${before}`);
});

test("dispatchers that are slow to pull lower what is expected of them no faster the more often the queue is read", () => {
  const depth = { waiting: 5, held: 20, pulls: 0, byApp: new Map() };
  let capacity: Capacity = { tasks: 1_000, fullAt: 0, steppedAt: 0, delivered: 0, deliveredAt: 0 };
  for (let now = 10; now <= 1_000; now += 10) capacity = learnCapacity(capacity, { ...depth, delivered: now }, true, now);
  assert.ok(capacity.tasks >= 600 && capacity.tasks < 1_000, `${capacity.tasks}`);
});

test("without a dispatcher little is published", () => {
  const queue = createQueue(0);
  queue.pass(60_000);
  assert.ok(queue.state.queued <= 1.2 * QUEUED_MIN, `${queue.state.queued} wait`);
});

test("half of what is free is taken at a time, by weight, and an app below its share comes up to it", () => {
  const capacity = { tasks: 400 };
  const depth = {
    waiting: 0,
    held: 200,
    pulls: 1,
    delivered: 1,
    byApp: new Map([
      ["ads", 160],
      ["shop", 40],
    ]),
  };
  const weights: Record<string, number> = { bank: 2 };
  const room = (app: string, given: QueueDepth = depth, taken: Record<string, number> = {}) =>
    roomOf(given, new Map(Object.entries(taken)), capacity, app, (id) => weights[id] ?? 1);
  // Of 300 there are 100 free.
  assert.deepEqual([room("ads"), room("shop"), room("bank")], [25, (150 - 40) / 2, 75]);
  const full = { ...depth, held: 300, byApp: new Map([["ads", 300]]) };
  assert.deepEqual([room("ads", full), room("bank", full)], [0, 100]);
  assert.deepEqual([room("bank", full, { bank: 75 }), room("bank", full, { bank: 100 })], [25, 0]);
});

test("apps that fill a queue together take no more than one alone would", () => {
  const capacity = { tasks: 400 };
  const depth = { waiting: 0, held: 0, pulls: 1, delivered: 1, byApp: new Map() };
  const room = (app: string, taken: Record<string, number>) => roomOf(depth, new Map(Object.entries(taken)), capacity, app, weightOf);
  assert.equal(room("ads", {}), 150, "alone in half of it, an app is not limited");
  assert.equal(room("shop", { ads: 100 }), 50);
  assert.equal(room("bank", { ads: 100, shop: 49 }), 1);
  assert.equal(room("bank", { ads: 100, shop: 50 }), 50, "half of its share");
});

test("an app that was alone for a while fills more, most of all of what is not critical", () => {
  const depth = { waiting: 50, held: 200, pulls: 1, delivered: 1, byApp: new Map([["ads", 250]]) };
  const room = (of: NotificationClass) => roomOf(depth, new Map([["ads", 100]]), { tasks: 400 }, "ads", weightOf, of);
  assert.equal(room("critical"), (2 * 300 - 250) / 2 - 100);
  assert.equal(room("marketing"), (4 * 300 - 250) / 2 - 100, "what is critical waits behind less");
});

test("processes that all publish for an app that is alone fill little more than its bound", () => {
  const depth = { waiting: 0, held: 0, pulls: 1, delivered: 1, byApp: new Map([["ads", 0]]) };
  const room = () => roomOf(depth, new Map(), { tasks: 400 }, "ads", weightOf, "critical");
  for (let reading = 0; reading < 10; reading++) {
    depth.waiting += 3 * room();
    depth.byApp.set("ads", depth.waiting);
  }
  assert.ok(depth.waiting >= 600 && depth.waiting <= 1.5 * 600, `${depth.waiting} of 600`);
});
