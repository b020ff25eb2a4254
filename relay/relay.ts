import type { UncertainWaits } from "../core/delivery/decide.ts";
import { type Delivery, isOpen } from "../core/delivery/notification.ts";
import { repeatedIds } from "../core/delivery/superseded.ts";
import { watchdogMs } from "../core/delivery/watchdog.ts";
import type { Failpoint } from "../core/failpoints.ts";
import { type AttemptRecord, attemptId, notificationIdOf } from "../core/ports/attempt-store.ts";
import type { Clock, Random } from "../core/ports/clock.ts";
import type { DeliveryChange } from "../core/ports/notification-store.ts";
import type { DeliveryTask, QueueLag, TaskPublisher } from "../core/ports/queue.ts";
import type { Store } from "../core/ports/store.ts";
import type { Logger } from "../runtime/logger.ts";
import { isRepeat, look, type Situation } from "./evaluate.ts";
import type { RelayMetrics } from "./metrics.ts";

/** Taken notifications belong to this relay for so long; if it dies, another takes them then. */
const TAKE_MS = 15_000;
/** One round trip's worth; with 1,000-byte documents half a megabyte. */
const TAKE_MAX = 500;
/** What could not be published is tried again after this: the stream is away or full. */
const PUBLISH_AGAIN_MS = 2_000;

export interface RelayParts {
  store: Pick<Store, "notifications" | "attempts">;
  publisher: TaskPublisher;
  queue: QueueLag;
  /** Unique per process. */
  worker: string;
  /** How long to rest when nothing was due. */
  pollMs: number;
  uncertainWaitMs: UncertainWaits;
  statusQueryFirstMs: Situation["statusQueryFirstMs"];
  /** First look after a publication that nothing came of. */
  watchdogFirstMs: number;
  failpoint: Failpoint;
  clock: Clock;
  random: Random;
  log: Logger;
  metrics: RelayMetrics;
}

export interface Turn {
  /** Notifications. */
  taken: number;
  /** Something was to be published and nothing could be: the stream is away or full. */
  stuck: boolean;
}

export interface Relay {
  /** Looks at what is due now, up to TAKE_MAX notifications. */
  turn(): Promise<Turn>;
  /** Turns until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Leaderless: each due document is leased by one of any number of relays. Doing anything twice is harmless. */
export function createRelay(parts: RelayParts): Relay {
  const {
    store,
    publisher,
    queue,
    worker,
    pollMs,
    uncertainWaitMs,
    statusQueryFirstMs,
    watchdogFirstMs,
    failpoint,
    clock,
    random,
    log,
    metrics,
  } = parts;

  async function turn(): Promise<Turn> {
    const now = clock.now();
    const taken = await store.notifications.leaseDue(now, now + TAKE_MS, TAKE_MAX);
    if (taken.length === 0) return { taken: 0, stuck: false };
    failpoint("relay.taken");
    const due = taken.flatMap((n) => n.deliveries.filter((d) => isDue(d, now)).map((d) => ({ n, d })));
    const [found, waitingSince] = await Promise.all([
      store.attempts.find(due.flatMap(({ d }) => [attemptId(d.id, d.attempt), ...repeatedIds(d)])),
      Promise.all(due.map(({ n, d }) => (isRepeat(d) ? queue.waitingSince(d.channel, n.notificationClass) : undefined))),
    ]);
    const attempts = new Map(found.map((a) => [a.id, a]));

    // Not before what was read: a wait that begins now must not have begun before the answer it follows from.
    const readAt = clock.now();
    const looks = due.map(({ n, d }, i) => {
      const situation = {
        now: readAt,
        random: random(),
        worker,
        uncertainWaitMs,
        statusQueryFirstMs,
        watchdogFirstMs,
        waitingSince: waitingSince[i],
      };
      const earlier = repeatedIds(d).flatMap((id) => attempts.get(id) ?? []);
      return look(n, d, attempts.get(attemptId(d.id, d.attempt)), situation, earlier);
    });
    for (const { kind } of looks) metrics.looks.inc({ kind });
    const changes = looks.flatMap((l) => (l.kind === "change" || l.kind === "waiting" ? [l.change] : []));
    const publications = looks.flatMap((l) => (l.kind === "publish" ? [l.task] : []));
    const statusQueries = looks.flatMap((l) => (l.kind === "status-query" ? [l] : []));
    const closings = looks.flatMap((l) => (l.kind === "close" ? [l.attempt] : []));
    const abandoned = looks.flatMap((l) => (l.kind === "abandon" ? [l.attempt] : []));

    // What these write down is found, and acted on, by the next look: at once, because due stays in the past.
    if (closings.length > 0) await store.attempts.claim(closings);
    if (abandoned.length > 0) {
      for (const { id, deliveryId, provider } of abandoned)
        log.warn({ deliveryId, attempt: id, provider }, "worker silent past its deadline; the outcome is unknown");
      const outcome = { kind: "unanswered", fault: { code: "worker-lost" } } as const;
      await store.attempts.record(abandoned.map(({ id }) => ({ id, worker: undefined, outcome, answeredAt: readAt })));
    }
    changes.push(...[...closings, ...abandoned].map((a) => lookAgain(a, now)));
    failpoint("relay.closed");
    const [published] = await Promise.all([
      Promise.all(publications.map((task) => publisher.publish(task))),
      // Whatever becomes of it, the next one is asked for at its time.
      Promise.all(statusQueries.map(({ task }) => publisher.publish(task))),
    ]);
    failpoint("relay.published");
    // Not before the queue has it: what came in later than this says is not taken for handed out while it waits.
    const at = { now, publishedAt: clock.now(), watchdogFirstMs };
    changes.push(...publications.map((task, i) => publicationChange(task, published[i] ?? false, at)));
    changes.push(...statusQueries.map(({ task, nextAt }) => statusQueryChange(task, nextAt)));
    for (const [i, { channel }] of publications.entries())
      metrics.publications.inc({ channel, result: published[i] ? "published" : "failed" });
    const applied = await store.notifications.change(changes);
    const channels = new Map(taken.flatMap((n) => n.deliveries.map((d) => [d.id, d.channel])));
    for (const [i, { deliveryId, set }] of changes.entries()) if (applied[i]) metrics.ended(channels.get(deliveryId)!, set);
    failpoint("relay.changed");
    return { taken: taken.length, stuck: publications.length > 0 && !published.includes(true) };
  }

  return {
    turn,
    async run(signal) {
      while (!signal.aborted) {
        const began = clock.now();
        try {
          const { taken, stuck } = await turn();
          metrics.lastTurn.set(began / 1000);
          // With a backlog go on at once, unless that would only turn round and round before a closed door.
          if (taken === TAKE_MAX && !stuck) continue;
        } catch (error) {
          log.warn({ err: error }, "relay iteration failed; the leased items become due again");
        }
        await clock.sleep(pollMs * (0.5 + random()), signal);
      }
    },
  };
}

const isDue = ({ state, nextAt }: Delivery, now: number) => isOpen(state) && nextAt !== undefined && nextAt <= now;

function lookAgain(a: AttemptRecord, now: number): DeliveryChange {
  return {
    notificationId: notificationIdOf(a.deliveryId),
    deliveryId: a.deliveryId,
    // From pending only: a worker that called it uncertain at the last moment has said when to look again.
    expect: { attempt: a.number, states: ["pending"] },
    set: { nextAt: now },
  };
}

interface PublishedAt {
  /** ms since the epoch, as is publishedAt. */
  now: number;
  publishedAt: number;
  watchdogFirstMs: number;
}

function publicationChange(task: DeliveryTask, published: boolean, { now, publishedAt, watchdogFirstMs }: PublishedAt): DeliveryChange {
  const { notificationId, deliveryId, attempt, publication, expiresAt } = task;
  const nextAt = Math.min(now + (published ? watchdogMs(publication, watchdogFirstMs) : PUBLISH_AGAIN_MS), Math.max(expiresAt, now + 1));
  const set = { nextAt, publications: publication + (published ? 1 : 0), ...(published ? { publishedAt } : {}) };
  return { notificationId, deliveryId, expect: { attempt, states: ["pending"] }, set };
}

function statusQueryChange({ notificationId, deliveryId, attempt, publication }: DeliveryTask, nextAt: number): DeliveryChange {
  return { notificationId, deliveryId, expect: { attempt, states: ["uncertain"] }, set: { nextAt, publications: publication + 1 } };
}
