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
import { createPoisonGuard, POISON_CRASHES, SUSPECT_DELIVERIES } from "./poison-guard.ts";

const ACK_WAIT_MS = 60_000;
const world = useDispatchWorld();
/** By id: the arrival of a copy whose handling began and has not ended; and how often handling crashed. */
let begun: Map<string, number>;
let crashes: Map<string, number>;
const crashCounter: CrashCounter = {
  async arrived(id) {
    const at = world.clock.monotonic();
    if (begun.has(id) && at - begun.get(id)! >= ACK_WAIT_MS) {
      crashes.set(id, (crashes.get(id) ?? 0) + 1);
      begun.delete(id);
    }
    return { crashes: crashes.get(id) ?? 0, begin: async () => void begun.set(id, at) };
  },
  async end(id) {
    begun.delete(id);
    crashes.delete(id);
  },
};
beforeEach(() => {
  begun = new Map();
  crashes = new Map();
});

type Work = (id: string) => Promise<Settlement>;

/** A new process of the dispatcher. */
const guard = (work: Work) =>
  createPoisonGuard((task) => work(task.deliveryId), {
    ...{ store: world.store, recorder: world.recorder, crashCounter, ackWaitMs: ACK_WAIT_MS, worker: "w", clock: world.clock },
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
  let handled = 0;
  for (let deliveries = 1; deliveries < SUSPECT_DELIVERIES + POISON_CRASHES; deliveries++) {
    void guard(() => {
      handled++;
      return dies();
    })(copy({ deliveries }));
    await setImmediate();
    world.clock.advance(ACK_WAIT_MS);
  }
  assert.equal(handled, SUSPECT_DELIVERIES - 1 + POISON_CRASHES);
  const settlement = await guard(dies)(copy({ deliveries: 99 }));
  assert.equal(settlement.kind, "term");
  assert.deepEqual([(await world.delivery()).state, (await world.delivery()).reason], ["failed", { code: "poison" }]);
});

test("a task that is poison stays so where the store fails before its delivery has ended", async () => {
  const poison = copy({ deliveries: SUSPECT_DELIVERIES });
  crashes.set(poison.messageId, POISON_CRASHES);
  const { attempts } = world.store;
  world.store = { ...world.store, attempts: { ...attempts, claim: () => Promise.reject(new Error("store away")) } };
  await assert.rejects(guard(() => assert.fail("it is handled again"))(poison));
  world.store = { ...world.store, attempts };
  assert.equal((await guard(() => assert.fail("it is handled again"))(poison)).kind, "term");
  assert.deepEqual((await world.delivery()).reason, { code: "poison" });
  assert.equal(crashes.size, 0);
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
        ...{ store: world.store, recorder: world.recorder, ackWaitMs: ACK_WAIT_MS, worker: "w", clock: world.clock },
        // A dead process writes nothing.
        crashCounter: {
          async arrived(id) {
            const { crashes, begin } = await crashCounter.arrived(id);
            return { crashes, begin: async () => void (died || (await begin())) };
          },
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
    world.clock.advance(ACK_WAIT_MS);
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

test("a suspect is handed back for less than ack_wait: later it would look as if its worker had died", async () => {
  const long = async (): Promise<Settlement> => ({ kind: "nak", delayMs: 10 * ACK_WAIT_MS });
  const suspect = await guard(long)(copy({ deliveries: SUSPECT_DELIVERIES }));
  assert.ok(suspect.kind === "nak" && suspect.delayMs < ACK_WAIT_MS);
  assert.deepEqual(await guard(long)(copy()), await long());
});

test("where a worker has claimed the attempt, its outcome decides, not the poison", async () => {
  const { dispatch } = world.setUp();
  await dispatch(world.task(), "h");
  await guard(ack)(copy({ task: undefined }));
  assert.equal((await world.delivery()).state, "sent");
});
