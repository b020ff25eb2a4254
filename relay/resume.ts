import type { Delivery, NotificationRecord } from "../core/delivery/notification.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { EventRecorder } from "../core/ports/event-recorder.ts";
import type { SteeringRecord } from "../core/ports/steering-store.ts";
import type { Store } from "../core/ports/store.ts";
import { releaseWaiting } from "../core/steering/release.ts";
import { isOver, pauseOf, STEERING_BOUND_MS } from "../core/steering/steering.ts";
import { targetKey } from "../core/steering/target.ts";
import type { Logger } from "../runtime/logger.ts";
import { CLOCK_SKEW_MS } from "./evaluate.ts";
import type { RelayMetrics } from "./metrics.ts";
import { LEASE_MS as OUTBOX_LEASE_MS } from "./outbox.ts";
import { keepRounds } from "./rounds.ts";

/** Between two readings of what operators have paused and resumed, in ms. */
const READ_EVERY_MS = 2_000;
/**
 * How long one relay has this work to itself, in ms; another one takes over from a relay that died after as much. Where a release takes longer, two relays do it
 * at once, which does no harm.
 */
const LEASE_MS = 60_000;
const WORK = "resume";
/**
 * After this, in ms, no process holds anything back for a pause that was ended: each has read of its end, also where clocks differ, and what a relay leased before
 * that is written.
 */
export const SETTLE_MS = STEERING_BOUND_MS + CLOCK_SKEW_MS + OUTBOX_LEASE_MS;

export interface ResumeParts {
  store: Pick<Store, "notifications" | "steering" | "lease">;
  recorder: EventRecorder;
  /** Unique to this process. */
  worker: string;
  clock: Clock;
  log: Logger;
  metrics: Pick<RelayMetrics, "paused" | "pausedSince" | "released">;
}

/** Makes due what waits for what operators have resumed, or whose pause has ended by itself; one relay at a time. Resolves once `signal` has aborted. */
export async function keepResuming(parts: ResumeParts & { signal: AbortSignal }): Promise<void> {
  const say = { lost: "what was resumed cannot be made due; it goes out within 20 min", back: "what is resumed is made due again" };
  await keepRounds(createResume(parts, parts.signal), { everyMs: READ_EVERY_MS, say }, parts);
}

/** When a target was resumed, or its pause ended. */
const endedAt = ({ state, at, until = at }: SteeringRecord) => (state === "resumed" ? at : until);
const versionOf = (record: SteeringRecord) => `${targetKey(record.target)} ${record.state} ${record.at}`;

/** One look: resolves once what waits for ended pauses is due. */
export function createResume({ store, recorder, worker, clock, log, metrics }: ResumeParts, signal?: AbortSignal): () => Promise<void> {
  /** Ended pauses for which this process has made due what waited, at least once. */
  let begun = new Set<string>();

  /** It was handed back for a pause, and no pause holds it now. */
  function isResumed(n: NotificationRecord, d: Delivery, steering: readonly SteeringRecord[]): boolean {
    if (d.reason?.code !== "paused") return false;
    const now = clock.now();
    const isHeld = steering.some((record) => d.reason?.detail === targetKey(record.target) && !isOver(record, now));
    return !isHeld && pauseOf({ app: n.app, notificationClass: n.notificationClass, channel: d.channel }, steering, now) === undefined;
  }

  function show(steering: readonly SteeringRecord[]): void {
    metrics.paused.reset();
    metrics.pausedSince.reset();
    for (const { target, state, at } of steering) {
      metrics.paused.set({ ...target, state }, 1);
      if (state !== "resumed") metrics.pausedSince.set({ ...target }, at / 1_000);
    }
  }

  return async () => {
    const steering = await store.steering.list();
    show(steering);
    const now = clock.now();
    const ended = steering.filter((record) => isOver(record, now));
    begun = new Set(ended.map(versionOf).filter((version) => begun.has(version)));
    const isSettled = (record: SteeringRecord) => now >= endedAt(record) + SETTLE_MS;
    // At once, and again once no process holds anything back for it any more.
    if (!ended.some((record) => !begun.has(versionOf(record)) || isSettled(record))) return;
    if (!(await store.lease(WORK, worker, now, now + LEASE_MS))) return;
    const counts = await releaseWaiting({ store, recorder, clock, signal }, (n, d) => isResumed(n, d, steering));
    if (signal?.aborted) return;
    const count = Object.values(counts).reduce((sum, n) => sum + n, 0);
    metrics.released.inc({}, count);
    for (const record of ended) {
      begun.add(versionOf(record));
      // A delivery may have changed under the last reading: only one that found nothing is the end.
      if (count > 0 || !isSettled(record) || !(await store.steering.remove(record))) continue;
      log.info({ target: targetKey(record.target), actor: record.actor }, "resumed; nothing waits for it any more");
    }
    if (count > 0) log.info({ released: counts }, "made due what waited for what was resumed");
  };
}
