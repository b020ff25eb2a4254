import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { CrashCounter } from "../adapters/redis/crash-counter.ts";
import { TASK_STALE_MS } from "../core/delivery/lifetime.ts";
import { taskMessageId } from "../core/delivery/subjects.ts";
import type { Settlement, TaskCopy } from "../core/ports/queue.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { useDispatchWorld } from "../test/support/dispatch-world.ts";
import { createDispatchMetrics } from "./metrics.ts";
import { createPoisonGuard, POISON_BEGINNINGS, SUSPECT_DELIVERIES } from "./poison-guard.ts";

const world = useDispatchWorld();
let counts: Map<string, number>;
const crashCounter: CrashCounter = {
  begun: async (id) => counts.get(id) ?? 0,
  begin: async (id) => void counts.set(id, (counts.get(id) ?? 0) + 1),
  end: async (id) => void counts.delete(id),
};
beforeEach(() => {
  counts = new Map();
});

type Work = (id: string) => Promise<Settlement>;

/** A new process of the dispatcher. */
const guard = (work: Work) =>
  createPoisonGuard((task) => work(task.deliveryId), {
    ...{ store: world.store, recorder: world.recorder, crashCounter, worker: "w", clock: world.clock },
    log: createLogger("test", "info", { write: (line) => void world.lines.push(line) }),
    metrics: createDispatchMetrics(createMetrics("test")),
  });

function copy(over: Partial<TaskCopy> = {}): TaskCopy {
  const task = world.task();
  const messageId = taskMessageId(task.deliveryId, 1, 0);
  return {
    task,
    bytes: new Uint8Array([1]),
    channel: "sms",
    notificationClass: "transactional",
    messageId,
    deliveries: 1,
    holder: "h",
    ...over,
  };
}

const ack = async (): Promise<Settlement> => ({ kind: "ack" });
/** A process that dies of it never comes back to say so. */
const dies = () => new Promise<never>(() => {});

test("a message that is no task ends its delivery as failed (poison), with its bytes kept, and can never be sent", async () => {
  const bytes = new TextEncoder().encode("not protobuf at all");
  const settlement = await guard(ack)(copy({ task: undefined, bytes }));
  assert.equal(settlement.kind, "term");
  const { state, reason, nextAt } = await world.delivery();
  assert.deepEqual([state, reason, nextAt], ["failed", { code: "poison" }, undefined]);
  const [kept] = await world.store.poison.list(10);
  assert.deepEqual([kept?.bytes, kept?.id, kept?.channel], [bytes, copy().messageId, "sms"]);
  const { dispatch, sent } = world.setUp();
  await dispatch(world.task(), "late copy");
  assert.equal(sent().length, 0);
});

test("a poison copy of what expired long ago leaves no void attempt: a purge may be removing its notification", async () => {
  world.clock.advance(world.notification.expiresAt + TASK_STALE_MS - world.clock.now());
  assert.equal((await guard(ack)(copy({ task: undefined }))).kind, "term");
  assert.deepEqual(await world.store.attempts.find([`${copy().task!.deliveryId}/1`]), []);
  assert.equal((await world.delivery()).state, "pending");
});

test("a message that is no task and names none is kept, and removed from the queue", async () => {
  const settlement = await guard(ack)(copy({ task: undefined, messageId: "CARILLON_SMS#7" }));
  assert.equal(settlement.kind, "term");
  assert.equal((await world.store.poison.list(10)).length, 1);
  assert.equal((await world.delivery()).state, "pending");
});

test("a task that kills its workers is poison after a few of them", async () => {
  let begun = 0;
  for (let deliveries = 1; deliveries < SUSPECT_DELIVERIES + POISON_BEGINNINGS; deliveries++) {
    void guard(() => {
      begun++;
      return dies();
    })(copy({ deliveries }));
    await setImmediate();
  }
  assert.equal(begun, SUSPECT_DELIVERIES - 1 + POISON_BEGINNINGS);
  const settlement = await guard(dies)(copy({ deliveries: 99 }));
  assert.equal(settlement.kind, "term");
  assert.deepEqual([(await world.delivery()).state, (await world.delivery()).reason], ["failed", { code: "poison" }]);
});

test("tasks handled beside it are not blamed", async () => {
  const innocent = copy({ messageId: "innocent", deliveries: SUSPECT_DELIVERIES });
  const poison = copy({ messageId: "poison", deliveries: SUSPECT_DELIVERIES });
  let settled: Settlement | undefined;
  // Processes that take both up at once, and die of one of them whenever it is begun.
  for (let i = 0; i < 20 && !settled; i++) {
    let died = false;
    const handle = createPoisonGuard(
      async ({ category }): Promise<Settlement> => {
        await setImmediate();
        if (died) return dies();
        if (category !== "poison") return { kind: "ack" };
        died = true;
        return dies();
      },
      {
        ...{ store: world.store, recorder: world.recorder, worker: "w", clock: world.clock },
        // A dead process writes nothing.
        crashCounter: {
          ...crashCounter,
          begin: async (id) => void (died || (await crashCounter.begin(id))),
          end: async (id) => void (died || (await crashCounter.end(id))),
        },
        log: createLogger("test", "silent", { write() {} }),
        metrics: createDispatchMetrics(createMetrics("test")),
      },
    );
    void handle({ ...poison, task: { ...world.task(), category: "poison" } });
    void handle(innocent).then((s) => {
      if (!died) settled = s;
    });
    for (let turn = 0; turn < 20; turn++) await setImmediate();
  }
  assert.deepEqual(settled, { kind: "ack" });
  assert.ok(!(await world.store.poison.list(10)).some((p) => p.id === "innocent"));
});

test("a task that is only returned to the queue, however often, is never poison", async () => {
  for (let deliveries = 1; deliveries < 50; deliveries++)
    assert.equal((await guard(async () => ({ kind: "nak", delayMs: 1 }))(copy({ deliveries }))).kind, "nak");
  await assert.rejects(guard(() => Promise.reject(new Error("store away")))(copy({ deliveries: 50 })));
  assert.equal((await guard(ack)(copy({ deliveries: 51 }))).kind, "ack");
  assert.equal((await world.store.poison.list(1)).length, 0);
});

test("where a worker has claimed the attempt, its outcome decides, not the poison", async () => {
  const { dispatch } = world.setUp();
  await dispatch(world.task(), "h");
  await guard(ack)(copy({ task: undefined }));
  assert.equal((await world.delivery()).state, "sent");
});
