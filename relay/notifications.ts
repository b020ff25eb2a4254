import type { AppShares } from "../adapters/nats/app-shares.ts";
import type { SendingTimes } from "../adapters/preferences/sending-times.ts";
import type { SteeringReader } from "../adapters/store/steering-reader.ts";
import { applyTransitions } from "../core/delivery/apply-transitions.ts";
import type { UncertainWaits } from "../core/delivery/decide.ts";
import type { InDoubtRepeats } from "../core/delivery/in-doubt.ts";
import { type Delivery, isOpen, type NotificationRecord } from "../core/delivery/notification.ts";
import { repeatedIds } from "../core/delivery/superseded.ts";
import { userOf } from "../core/delivery/task.ts";
import { heldBack, notPublished, postponed, published, statusQueried, type Transition } from "../core/delivery/transitions.ts";
import type { Failpoint } from "../core/failpoints.ts";
import { type AttemptRecord, attemptId } from "../core/ports/attempt-store.ts";
import type { Clock, Random } from "../core/ports/clock.ts";
import type { EventRecorder } from "../core/ports/event-recorder.ts";
import type { QueueLag, TaskPublisher } from "../core/ports/queue.ts";
import type { Store } from "../core/ports/store.ts";
import { pauseOf, type Steering } from "../core/steering/steering.ts";
import type { Logger } from "../runtime/logger.ts";
import { type Effect, evaluate, isRepeat, type Situation } from "./evaluate.ts";
import { createLease } from "./lease.ts";
import type { RelayMetrics } from "./metrics.ts";
import type { Moment, OutboxKind } from "./outbox.ts";

/** Until a task that could not be published is published again, in ms: the stream is unavailable or full. */
const PUBLISH_AGAIN_MS = 2_000;

/**
 * Until a task is due again that was leased although its queue had no room, in ms, and half of it more or less. Rare: then it waits under its queue's key,
 * where it is leased only once there is room, or another delivery of its notification is due. TOGETHER_MS is longer.
 */
const HOLD_MS = 1_000;

export interface NotificationParts {
  store: Pick<Store, "notifications" | "attempts">;
  publisher: TaskPublisher;
  queue: QueueLag;
  /** How many tasks of each app its queues may hold. */
  shares: AppShares;
  /** Asked before a task is published, so that what has to wait does not fill its queue. Absent: everything may be sent at any time. */
  sendingTimes?: SendingTimes | undefined;
  /** What operators have paused, likewise; absent: nothing. */
  steering?: SteeringReader | undefined;
  recorder: EventRecorder;
  /** Unique per process. */
  worker: string;
  uncertainWaitMs: UncertainWaits;
  inDoubtRepeats: InDoubtRepeats;
  confirmationOf: Situation["confirmationOf"];
  statusQueryFirstMs: Situation["statusQueryFirstMs"];
  /** How long after a publication without effect a task is published again. */
  watchdogFirstMs: number;
  failpoint: Failpoint;
  clock: Clock;
  random: Random;
  log: Logger;
  metrics: RelayMetrics;
}

/** What was read about the deliveries that are due. */
interface Facts {
  /** By attempt id. */
  attempts: ReadonlyMap<string, AttemptRecord>;
  /** By delivery id. */
  waitingSince: ReadonlyMap<string, number | undefined>;
  /** Of those that must wait, by delivery id. */
  quietUntil: ReadonlyMap<string, number>;
  steering: Steering;
}

const isDue = ({ state, nextAt }: Delivery, now: number) => isOpen(state) && nextAt !== undefined && nextAt <= now;

/** Notifications as a kind of outbox record: their open deliveries are published, retried, resolved and ended. */
export function notificationKind(parts: NotificationParts): OutboxKind<NotificationRecord, Facts, Effect> {
  const { store, queue, worker, uncertainWaitMs, inDoubtRepeats, confirmationOf, statusQueryFirstMs, watchdogFirstMs, random } = parts;
  return {
    store: createLease(store.notifications, parts.shares, random),

    async gather(records, leasedAt) {
      const due = records.flatMap((n) => n.deliveries.filter((d) => isDue(d, leasedAt)).map((d) => ({ n, d })));
      const [attempts, waitingSince, quietUntil, steering] = await Promise.all([
        store.attempts.find(due.flatMap(({ d }) => [attemptId(d.id, d.attempt), ...repeatedIds(d)])),
        Promise.all(due.map(({ n, d }) => (isRepeat(d) ? queue.waitingSince(d.channel, n.notificationClass) : undefined))),
        readQuiet(due, parts.sendingTimes),
        // What cannot be read is left to the dispatcher, which asks again.
        parts.steering?.read().catch(() => []) ?? [],
      ]);
      return {
        attempts: new Map(attempts.map((a) => [a.id, a])),
        waitingSince: new Map(due.map(({ d }, i) => [d.id, waitingSince[i]])),
        quietUntil,
        steering,
      };
    },

    evaluate(n, { leasedAt, now }, { attempts, waitingSince, quietUntil, steering }) {
      return n.deliveries
        .filter((d) => isDue(d, leasedAt))
        .map((d) => {
          const fixed = { worker, uncertainWaitMs, inDoubtRepeats, confirmationOf, statusQueryFirstMs, watchdogFirstMs };
          const { app, notificationClass } = n;
          const situation = {
            ...{ ...fixed, now, random: random(), waitingSince: waitingSince.get(d.id), quietUntil: quietUntil.get(d.id) },
            paused: pauseOf({ app, notificationClass, channel: d.channel }, steering, now),
          };
          const earlier = repeatedIds(d).flatMap((id) => attempts.get(id) ?? []);
          return evaluate(n, d, attempts.get(attemptId(d.id, d.attempt)), situation, earlier);
        });
    },

    apply: (effects, moment) => applyEffects(parts, effects, moment),
  };
}

/** Until when deliveries may not be sent, by id. Where that cannot be read, the task is published, and the dispatcher asks again before the attempt. */
async function readQuiet(
  due: readonly { n: NotificationRecord; d: Delivery }[],
  sendingTimes: SendingTimes | undefined,
): Promise<Map<string, number>> {
  if (sendingTimes === undefined) return new Map();
  const pending = due.filter(({ d }) => d.state === "pending");
  const times = await Promise.all(
    pending.map(async ({ n, d }) => {
      const { channel, endpoint, endpointId } = d;
      return { id: d.id, time: await sendingTimes({ ...n, channel, endpoint, endpointId, userId: userOf(n, d) }) };
    }),
  );
  return new Map(times.flatMap(({ id, time }) => (time.kind === "closed" ? [[id, time.until] as const] : [])));
}

/** First the attempts, then the queue, then the deliveries: after a crash between two of them, the next evaluation finds what was done. */
async function applyEffects(parts: NotificationParts, effects: readonly Effect[], moment: Moment): Promise<{ stuck: boolean }> {
  const { store, recorder, failpoint, metrics } = parts;
  for (const { kind } of effects) metrics.evaluations.inc({ kind });
  const transitions = effects.flatMap((e) => (e.kind === "change" || e.kind === "waiting" ? [e.transition] : []));
  transitions.push(...(await closeAttempts(parts, effects, moment)));
  failpoint("relay.closed");
  const { changes, stuck } = await publish(parts, effects, moment);
  await applyTransitions(store.notifications, recorder, [...transitions, ...changes]);
  failpoint("relay.changed");
  return { stuck };
}

/** Writes void attempts and lost workers' outcomes. Their deliveries stay due, so that the next iteration acts on what stands then. */
async function closeAttempts(parts: NotificationParts, effects: readonly Effect[], { leasedAt, now }: Moment): Promise<Transition[]> {
  const { attempts } = parts.store;
  const closed = effects.filter((e) => e.kind === "void");
  const abandoned = effects.filter((e) => e.kind === "abandon");
  if (closed.length > 0) await attempts.claim(closed.map(({ attempt }) => attempt));
  if (abandoned.length > 0) {
    for (const { attempt } of abandoned)
      parts.log.warn(
        { deliveryId: attempt.deliveryId, attempt: attempt.id, provider: attempt.provider },
        "worker silent past its deadline; the outcome is unknown",
      );
    const outcome = { kind: "unanswered", fault: { code: "worker-lost" } } as const;
    await attempts.record(abandoned.map(({ attempt: { id } }) => ({ id, worker: undefined, outcome, answeredAt: now })));
  }
  // From pending only: a worker that recorded an unknown outcome at the last moment has set the due time.
  return [...closed, ...abandoned].map(({ on }) => postponed(on, "pending", leasedAt));
}

/** Publishes tasks and status queries; what could not be published is due again soon. */
async function publish(parts: NotificationParts, effects: readonly Effect[], { leasedAt }: Moment) {
  const { publisher, shares, clock, random, failpoint, metrics, watchdogFirstMs } = parts;
  const { tasks = [], held = [] } = Object.groupBy(
    effects.filter((e) => e.kind === "publish"),
    ({ task }) => (shares.take(task) ? "tasks" : "held"),
  );
  for (const {
    task: { channel },
  } of held)
    metrics.publications.inc({ channel, result: "held" });
  const queries = effects.filter((e) => e.kind === "status-query");
  const [isPublished] = await Promise.all([
    Promise.all(tasks.map(({ task }) => publisher.publish(task))),
    // A lost status query needs no handling: the next one is due anyway.
    Promise.all(queries.map(({ task }) => publisher.publish(task))),
  ]);
  failpoint("relay.published");
  // Read after the queue has the tasks: a task that arrived later than its `publishedAt` would look as if it had been delivered.
  const at = { now: leasedAt, publishedAt: clock.now(), watchdogFirstMs };
  for (const [
    i,
    {
      task: { channel },
    },
  ] of tasks.entries())
    metrics.publications.inc({ channel, result: isPublished[i] ? "published" : "failed" });
  return {
    changes: [
      ...tasks.map(({ task, dueAt }, i) =>
        isPublished[i] ? published(task, at) : notPublished(task, { now: leasedAt, waitMs: PUBLISH_AGAIN_MS, dueAt }),
      ),
      ...held.map(({ task, dueAt }) => heldBack(task, { now: leasedAt, waitMs: HOLD_MS * (0.5 + random()), dueAt })),
      ...queries.map(({ task, nextAt }) => statusQueried(task, nextAt)),
    ],
    stuck: tasks.length > 0 && !isPublished.includes(true),
  };
}
