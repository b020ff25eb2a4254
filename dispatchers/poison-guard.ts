import type { CrashCounter } from "../adapters/redis/crash-counter.ts";
import { applyTransitions } from "../core/delivery/apply-transitions.ts";
import { TASK_STALE_MS } from "../core/delivery/lifetime.ts";
import { expiryOf } from "../core/delivery/notification.ts";
import { reason } from "../core/delivery/reason.ts";
import { readTaskMessageId } from "../core/delivery/subjects.ts";
import { type AttemptFacts, factsOf, voided } from "../core/delivery/transitions.ts";
import { type Void, voidAttempt } from "../core/delivery/void-attempt.ts";
import { notificationIdOf } from "../core/ports/attempt-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { EventRecorder } from "../core/ports/event-recorder.ts";
import type { DeliveryTask, Settlement, TaskCopy } from "../core/ports/queue.ts";
import type { Store } from "../core/ports/store.ts";
import type { Logger } from "../runtime/logger.ts";
import type { DispatchMetrics } from "./metrics.ts";

/** From this delivery of a message on, crashes of its handling are counted. Earlier workers may have died, or have returned it. */
export const SUSPECT_DELIVERIES = 3;
/** Crashes, all but the first of them while it was handled alone, after which the message is poison. */
export const POISON_CRASHES = 3;

/** A suspect that is handed back comes again within this share of ack_wait, and not sooner than this, in ms. */
const RETURN_SHARE = 0.7;
const RETURN_MS_MIN = 100;

const POISON: Void = { kind: "void", state: "failed", reason: reason("poison") };

export interface PoisonParts {
  store: Pick<Store, "poison" | "attempts" | "notifications">;
  recorder: EventRecorder;
  crashCounter: CrashCounter;
  /** After this the queue delivers a message again that was not acknowledged. */
  ackWaitMs: number;
  worker: string;
  clock: Clock;
  log: Logger;
  metrics: DispatchMetrics;
}

/**
 * Takes messages out of the queue that cannot be decoded or whose workers die: their bytes are kept and their delivery ends as failed (poison).
 * A message whose handling crashed is handled alone, so that messages handled beside it are not blamed for its crashes.
 */
export function createPoisonGuard(handle: (task: DeliveryTask, holder: string) => Promise<Settlement>, parts: PoisonParts) {
  const { store, recorder, crashCounter, ackWaitMs, worker, clock, log, metrics } = parts;
  let alone: Promise<unknown> = Promise.resolve();
  /** Well within ack_wait of its arrival: a message that comes again after it, and whose end Redis lost, counts as crashed. */
  const soon = (given: Settlement, arrivedAt: number): Settlement => {
    if (given.kind !== "nak") return given;
    const leftMs = ackWaitMs * RETURN_SHARE - (clock.monotonic() - arrivedAt);
    return { ...given, delayMs: Math.max(RETURN_MS_MIN, Math.min(given.delayMs, leftMs)) };
  };

  return async (copy: TaskCopy): Promise<Settlement> => {
    const { task, holder } = copy;
    if (!task) return end(copy, "not a task");
    const work = () => handle(task, holder);
    if (copy.deliveries < SUSPECT_DELIVERIES) return work();
    const arrivedAt = clock.monotonic();
    const arrival = await crashCounter.arrived(copy.messageId);
    if (arrival.crashes >= POISON_CRASHES) return end(copy, "its workers died");
    const counted = async () => {
      await arrival.begin();
      try {
        return soon(await work(), arrivedAt);
      } finally {
        await crashCounter.end(copy.messageId);
      }
    };
    if (arrival.crashes === 0) return counted();
    const handled = alone.then(counted);
    alone = handled.catch(() => undefined);
    return handled;
  };

  /** If a worker has claimed the attempt, its own outcome decides. */
  async function endDelivery(on: AttemptFacts, now: number): Promise<void> {
    const [ours] = await store.attempts.claim([voidAttempt(on, worker, POISON, now)]);
    if (ours) await applyTransitions(store.notifications, recorder, [voided(on, POISON, now)]);
  }

  /** Everything is durable before the message is removed from the queue. */
  async function end({ messageId: id, channel, notificationClass, bytes }: TaskCopy, why: string): Promise<Settlement> {
    const now = clock.now();
    const of = readTaskMessageId(id);
    await store.poison.keep({ id, channel, notificationClass, reason: why, bytes, keptAt: now });
    // A delivery that expired long ago was ended by the relay, and a purge may remove it right now: a void attempt would be left behind, and the
    // same idempotency key, accepted again, would take its outcome for its own.
    if (of) {
      const n = await store.notifications.find(notificationIdOf(of.deliveryId));
      const d = n?.deliveries.find(({ id }) => id === of.deliveryId);
      if (n && d && expiryOf(n, d) > now - TASK_STALE_MS) await endDelivery({ ...factsOf(n, d), attempt: of.attempt }, now);
    }
    // Last: where the store fails before, the message comes again, and must not kill more workers until it is known as poison once more.
    await crashCounter.end(id);
    log.error({ message: id, channel, notificationClass, bytes: bytes.length, reason: why }, "poison message quarantined");
    metrics.settled.inc({ channel, settlement: "term", why: "poison" });
    return { kind: "term" };
  }
}
