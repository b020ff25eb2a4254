import type { CrashCounter } from "../adapters/redis/crash-counter.ts";
import { reason } from "../core/delivery/reason.ts";
import { readTaskMessageId } from "../core/delivery/subjects.ts";
import { type Void, voidAttempt, voidChange } from "../core/delivery/transitions.ts";
import { notificationIdOf } from "../core/ports/attempt-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { DeliveryTask, Settlement, TaskCopy } from "../core/ports/queue.ts";
import type { Store } from "../core/ports/store.ts";
import type { Logger } from "../runtime/logger.ts";
import type { DispatchMetrics } from "./metrics.ts";

/** From this delivery on, beginnings and ends are counted: whoever had it before may have died of it, or only sent it back. */
export const SUSPECT_DELIVERIES = 3;
/** Beginnings without an end, all but the first of them alone, after which it is poison. */
export const POISON_BEGINNINGS = 3;

const POISON: Void = { kind: "void", state: "failed", reason: reason("poison") };

export interface PoisonParts {
  store: Pick<Store, "poison" | "attempts" | "notifications">;
  crashCounter: CrashCounter;
  worker: string;
  clock: Clock;
  log: Logger;
  metrics: DispatchMetrics;
}

/**
 * Keeps what cannot be decoded, and what its workers die of, from going round for ever: its bytes are kept, its delivery ends as
 * failed (poison), and it leaves the queue. Whatever did not end the last time is handled alone, so that what was merely beside it is not
 * blamed for what it does.
 */
export function createPoisonGuard(handle: (task: DeliveryTask, holder: string) => Promise<Settlement>, parts: PoisonParts) {
  const { store, crashCounter, worker, clock, log, metrics } = parts;
  let alone: Promise<unknown> = Promise.resolve();

  return async (copy: TaskCopy): Promise<Settlement> => {
    const { task, holder } = copy;
    if (!task) return end(copy, "not a task");
    const work = () => handle(task, holder);
    if (copy.deliveries < SUSPECT_DELIVERIES) return work();
    const begun = await crashCounter.begun(copy.messageId);
    if (begun >= POISON_BEGINNINGS) return end(copy, "its workers died");
    if (begun === 0) return counted(copy.messageId, work);
    const turn = alone.then(() => counted(copy.messageId, work));
    alone = turn.catch(() => undefined);
    return turn;
  };

  async function counted(id: string, work: () => Promise<Settlement>): Promise<Settlement> {
    await crashCounter.begin(id);
    try {
      return await work();
    } finally {
      await crashCounter.end(id);
    }
  }

  /** Durable before the queue forgets it. */
  async function end({ messageId: id, channel, notificationClass, bytes }: TaskCopy, why: string): Promise<Settlement> {
    const now = clock.now();
    const of = readTaskMessageId(id);
    await store.poison.keep({ id, channel, notificationClass, reason: why, bytes, keptAt: now });
    await crashCounter.end(id);
    // Once it was purged there is nothing to end, and nobody would ever remove the attempt.
    if (of && (await store.notifications.find(notificationIdOf(of.deliveryId)))) {
      const [ours] = await store.attempts.claim([voidAttempt(of, worker, POISON, now)]);
      // Where somebody has claimed it, what came of that decides.
      const change = voidChange({ ...of, notificationId: notificationIdOf(of.deliveryId) }, POISON, now);
      const [ended] = ours ? await store.notifications.change([change]) : [];
      if (ended) metrics.ended(channel, change.set);
    }
    log.error({ message: id, channel, notificationClass, bytes: bytes.length, reason: why }, "poison; its bytes are kept");
    metrics.settled.inc({ channel, settlement: "term", why: "poison" });
    return { kind: "term" };
  }
}
