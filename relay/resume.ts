import type { Delivery, NotificationRecord } from "../core/delivery/notification.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { EventRecorder } from "../core/ports/event-recorder.ts";
import type { SteeringRecord } from "../core/ports/steering-store.ts";
import type { Store } from "../core/ports/store.ts";
import { releaseWaiting } from "../core/steering/release.ts";
import { isOver, pauseOf, STEERING_BOUND_MS } from "../core/steering/steering.ts";
import { targetKey } from "../core/steering/target.ts";
import type { Logger } from "../runtime/logger.ts";
import { createStateLog } from "../runtime/state-log.ts";
import { CLOCK_SKEW_MS } from "./evaluate.ts";
import type { RelayMetrics } from "./metrics.ts";

/** Between two looks at what operators have paused and resumed, in ms. */
const LOOK_EVERY_MS = 2_000;
/** For how long one relay alone ends waits, in ms. One that dies is followed by another; two at once do no harm, as where one takes longer. */
const LEASE_MS = 60_000;
const WORK = "resume";
/**
 * Until every process knows of a resumption, in ms: as long as a pause takes, as clocks may differ, and as a relay's lease lasts that began before. What is
 * handed back later waits for no pause.
 */
export const SETTLE_MS = STEERING_BOUND_MS + CLOCK_SKEW_MS + 15_000;

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
  const { clock, log, signal } = parts;
  const state = createStateLog(
    log,
    { lost: "what was resumed cannot be made due; it goes out within 20 min", back: "what is resumed is made due again" },
    clock.monotonic,
  );
  const look = createResume(parts, signal);
  while (!signal.aborted) {
    try {
      await look();
      state.works();
    } catch (error) {
      state.fails({ err: error });
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** When a target was resumed, or its pause ended. */
const endedAt = ({ state, at, until = at }: SteeringRecord) => (state === "resumed" ? at : until);
const versionOf = (record: SteeringRecord) => `${targetKey(record.target)} ${record.state} ${record.at}`;

/** One look: resolves once what waits for ended pauses is due. */
export function createResume({ store, recorder, worker, clock, log, metrics }: ResumeParts, signal?: AbortSignal): () => Promise<void> {
  /** Ended pauses whose wait this process has ended once. */
  let begun = new Set<string>();

  /** Handed back for a pause, and none holds it now. */
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
