import { type Retention, retentionOf } from "../core/apps/retention.ts";
import { CLASSES } from "../core/delivery/channel.ts";
import { PURGE_AGE_MS_MIN } from "../core/delivery/lifetime.ts";
import type { AppRecord } from "../core/ports/app-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Store } from "../core/ports/store.ts";
import type { Logger } from "../runtime/logger.ts";
import type { RelayMetrics } from "./metrics.ts";
import { createPace, type Work } from "./retention-pace.ts";
import { keepRounds } from "./rounds.ts";
import { createWorkLease } from "./work-lease.ts";

/** Between two rounds, in ms. What is kept for days may go a minute late. */
export const ROUND_EVERY_MS = 60_000;
/** For how long one relay alone purges, in ms: two rounds; a relay that dies is followed by another after as much. */
const LEASE_MS = 2 * ROUND_EVERY_MS;
/** A long round asks for more time this long before its lease ends, in ms. */
const RENEW_MS = LEASE_MS / 2;
const WORK = "retention";
/** Files removed in one go: 200 MB at most, in chunks of the store's. */
const BLOBS_MAX = 10;
/** Windows of frequency caps are kept this long after their end, in ms: a process whose clock is behind may still count in one. */
const CAPS_KEPT_MS = 3_600_000;

/** What was removed; the labels of the metric. */
type Purged =
  | "contents"
  | "notifications"
  | "attempts"
  | "attributions"
  | "large-contents"
  | "blobs"
  | "poison"
  | "caps"
  | "preference-changes"
  | "operator-actions";

/** Those with a retention of their own. */
const KINDS = ["contents", "notifications"] as const;
type Kind = (typeof KINDS)[number];

export interface RetentionParts {
  store: Pick<
    Store,
    "apps" | "contents" | "blobs" | "caps" | "poison" | "preferences" | "steering" | "purge" | "deleteContent" | "lease" | "time"
  >;
  /** Of the installation; apps may have their own. */
  retention: Retention;
  /** Of the history of preferences and of operators' actions, in ms; undefined: they are kept. */
  historyMs?: number | undefined;
  /** At most so much work of the store in each second, in ms. */
  budgetMs: number;
  /** Unique to this process. */
  worker: string;
  clock: Clock;
  log: Logger;
  metrics: Pick<RelayMetrics, "purged" | "retentionBehind">;
  signal: AbortSignal;
}

/** Removes what is older than its retention, one relay at a time. Resolves once `signal` has aborted. */
export async function keepRetention(parts: RetentionParts): Promise<void> {
  const say = {
    lost: "removing what is older than its retention fails; it is kept longer",
    back: "removing what is older than its retention works again",
  };
  await keepRounds(createRetentionRound(parts), { everyMs: ROUND_EVERY_MS, startsLater: true, say }, parts);
}

/** One kind of thing to remove, of one app and class or of everything. */
interface Task {
  of: Purged;
  /** Of one call; absent: as many as the pace allows. */
  max?: number;
  /** How many were removed, and for how long the oldest had been kept too long; fewer than `limit`: nothing is left. */
  take(limit: number): Promise<Work & { behindMs: number }>;
}

/**
 * Removes what is too old now, where this process may: it resolves once nothing is left, or `signal` has aborted. Where a task failed, the others are done, and
 * it rejects with the first error; it ends at once only where the store answers nothing else either.
 */
export function createRetentionRound({
  store,
  retention,
  historyMs,
  budgetMs,
  worker,
  clock,
  log,
  metrics,
  signal,
}: RetentionParts): () => Promise<void> {
  const pace = createPace(budgetMs, clock);
  const isLeased = createWorkLease(store, { work: WORK, worker, leaseMs: LEASE_MS, renewMs: RENEW_MS }, clock);

  /** @param purgeableBefore what ended later the store does not purge, whatever the clock of this process says; ms since the epoch */
  function tasksOf(app: AppRecord, purgeableBefore: number, count: (what: Purged, n: number) => void): Task[] {
    const { content, metadata } = retentionOf(retention, app.limits);
    return CLASSES.flatMap((notificationClass): Task[] => {
      const ended = (ageMs: number) => ({ app: app.id, notificationClass, before: clock.now() - ageMs });
      const behind = (before: number, oldest: number | undefined) => (oldest === undefined ? 0 : before - oldest);
      return [
        {
          of: "contents",
          async take(limit) {
            const of = ended(content[notificationClass]);
            const { notifications, oldest, workMs } = await store.deleteContent(of, clock.now(), limit);
            count("contents", notifications);
            return { removed: notifications, behindMs: behind(of.before, oldest), workMs };
          },
        },
        {
          of: "notifications",
          async take(limit) {
            const tooOld = ended(metadata[notificationClass]);
            const of = { ...tooOld, before: Math.min(tooOld.before, purgeableBefore) };
            const { notifications, attempts, attributions, oldest, workMs } = await store.purge(of, limit);
            count("notifications", notifications);
            count("attempts", attempts);
            count("attributions", attributions);
            return { removed: notifications, behindMs: behind(of.before, oldest), workMs };
          },
        },
      ];
    });
  }

  /** What belongs to no app's notifications any more. */
  function commonTasks(count: (what: Purged, n: number) => void): Task[] {
    const task = (of: Purged, purge: (limit: number) => Promise<number>, max?: number): Task => ({
      of,
      ...(max !== undefined && { max }),
      async take(limit) {
        const removed = await purge(limit);
        count(of, removed);
        return { removed, behindMs: 0 };
      },
    });
    // A task that no dispatcher could handle holds a content, of whichever class.
    const poisonMs = Math.min(...Object.values(retention.content));
    return [
      task("large-contents", (limit) => store.contents.purge(clock.now(), limit)),
      task("blobs", (limit) => store.blobs.purge(clock.now(), limit), BLOBS_MAX),
      task("caps", (limit) => store.caps.purge(clock.now() - CAPS_KEPT_MS, limit)),
      task("poison", (limit) => store.poison.purge(clock.now() - poisonMs, limit)),
      ...(historyMs === undefined
        ? []
        : [
            task("preference-changes", (limit) => store.preferences.purgeHistory(clock.now() - historyMs, limit)),
            task("operator-actions", (limit) => store.steering.purgeActions(clock.now() - historyMs, limit)),
          ]),
    ];
  }

  /** Runs the tasks in turn, so that an app with much to remove does not keep others waiting, until each has nothing left or has failed. */
  async function runAll(all: readonly Task[]): Promise<{ behindMs: Record<Kind, number>; failures: unknown[] }> {
    const behindMs = { contents: 0, notifications: 0 };
    const failures: unknown[] = [];
    let tasks = all;
    while (tasks.length > 0 && !signal.aborted && (await isLeased())) {
      const left: Task[] = [];
      for (const task of tasks) {
        if (signal.aborted) break;
        const limit = Math.min(pace.limit(), task.max ?? Number.POSITIVE_INFINITY);
        const done = await pace
          .run(() => task.take(limit), signal)
          .catch(async (error: unknown) => {
            failures.push(error);
            // Where this rejects as well, it is the store that is away.
            await store.time();
            return undefined;
          });
        // The next round tries it again.
        if (!done) continue;
        const kind = KINDS.find((of) => of === task.of);
        if (kind) behindMs[kind] = Math.max(behindMs[kind], done.behindMs);
        if (done.removed >= limit) left.push(task);
      }
      for (const of of KINDS) metrics.retentionBehind.set({ of }, behindMs[of] / 1_000);
      tasks = left;
    }
    return { behindMs, failures };
  }

  return async () => {
    if (!(await isLeased())) {
      for (const of of KINDS) metrics.retentionBehind.set({ of }, 0);
      return;
    }
    const removed: Partial<Record<Purged, number>> = {};
    const count = (what: Purged, n: number) => {
      if (n === 0) return;
      metrics.purged.inc({ of: what }, n);
      removed[what] = (removed[what] ?? 0) + n;
    };
    const tasks = commonTasks(count);
    const purgeableBefore = (await store.time()) - PURGE_AGE_MS_MIN;
    for await (const app of store.apps.list()) tasks.push(...tasksOf(app, purgeableBefore, count));
    const { behindMs, failures } = await runAll(tasks);
    if (Object.keys(removed).length > 0)
      log.info(
        {
          removed,
          contentsBehindSeconds: Math.round(behindMs.contents / 1_000),
          behindSeconds: Math.round(behindMs.notifications / 1_000),
        },
        "removed what is older than its retention",
      );
    if (failures.length > 0) throw failures[0];
  };
}
