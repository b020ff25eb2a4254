import { CONTENT_BOUNDS, contentKeepUntil } from "../../core/content/reference.ts";
import { applyTransitions } from "../../core/delivery/apply-transitions.ts";
import { contentPart } from "../../core/delivery/channel.ts";
import { EXPIRY_MAX_MS } from "../../core/delivery/lifetime.ts";
import { type Delivery, expiryOf, type NotificationRecord } from "../../core/delivery/notification.ts";
import { reason } from "../../core/delivery/reason.ts";
import type { Transition } from "../../core/delivery/transitions.ts";
import { type Void, voidAttempt } from "../../core/delivery/void-attempt.ts";
import { type AttemptRecord, attemptId, notificationIdOf } from "../../core/ports/attempt-store.ts";
import type { EventRecorder } from "../../core/ports/event-recorder.ts";
import type { Store } from "../../core/ports/store.ts";
import { type DeadLetterFilter, deadLetters, decideRedrive, type Redrive, type RedriveTerms } from "./dead-letters.ts";

/** Deliveries read and changed in one step of redrive(). */
const BATCH_DELIVERIES = 200;
/** Notifications that one step reads at most, however few of their deliveries are selected: a fraction of a second of the store's work. */
export const STEP_READS_MAX = 1_000;
/** Ids reported for each result other than "redriven". */
const EXAMPLES_MAX = 20;
/** Voids an attempt number that no worker claimed. */
const REDRIVEN: Void = { kind: "void", state: "failed", reason: reason("redriven") };
/** The worker's name in void attempts that a redrive made. */
const OPERATOR = "operator redrive";

/** The result for one dead letter, or for an id that was given. */
export type RedriveEnd = Exclude<Redrive["kind"], "redrive" | "unclaimed"> | "redriven" | "changed" | "unknown" | "content-lost";
export type RedriveReport = Record<RedriveEnd, { count: number; examples: string[] }>;

export type Selection = { kind: "ids"; ids: readonly string[] } | { kind: "filter"; filter: DeadLetterFilter };

export interface RedriveOptions {
  terms: Pick<RedriveTerms, "uncertain" | "expiresInMs">;
  /** How many become due per second, over all steps; undefined: all at once. */
  rate?: number | undefined;
  recorder: EventRecorder;
  /** Changes nothing and reports what would happen. */
  dryRun: boolean;
}

/** A redrive in steps. Each step is complete when it resolves: between two of them it can be left, and what was redriven stays so. */
export interface RedriveRun {
  /** Of all steps so far. */
  readonly report: RedriveReport;
  /**
   * Goes on with up to `limit` deliveries: all of the last notification, and fewer where it read STEP_READS_MAX notifications.
   * @param now ms since the epoch; returns whether there may be more
   */
  step(limit: number, now: number): Promise<boolean>;
}

type RedriveStore = Pick<Store, "notifications" | "contents" | "blobs" | "attempts">;
interface Candidate {
  n: NotificationRecord;
  d: Delivery;
}

/** Redrives the selected dead letters. Those it cannot redrive stay as they are. @param options with `now`, in ms since the epoch */
export async function redrive(
  store: RedriveStore,
  selection: Selection,
  { now, ...options }: RedriveOptions & { now: number },
): Promise<RedriveReport> {
  const run = beginRedrive(store, selection, options);
  while (await run.step(BATCH_DELIVERIES, now));
  return run.report;
}

/** The same in steps; nothing is read before the first one. */
export function beginRedrive(store: RedriveStore, selection: Selection, options: RedriveOptions): RedriveRun {
  const report = {} as RedriveReport;
  for (const end of ["redriven", "may-be-sent", "expired", "gone", "not-failed", "changed", "unknown", "content-lost"] as const)
    report[end] = { count: 0, examples: [] };
  const ended = (end: RedriveEnd, id: string) => {
    report[end].count++;
    if (end !== "redriven" && report[end].examples.length < EXAMPLES_MAX) report[end].examples.push(id);
  };
  const named = selection.kind === "ids";
  const apartMs = options.rate === undefined ? 0 : 1_000 / options.rate;
  const selected = select(store, selection);
  /** The earliest moment at which the rate has room for one more to become due, ms since the epoch. */
  let dueFrom = 0;

  return { report, step };

  async function step(limit: number, now: number): Promise<boolean> {
    const batch: Candidate[] = [];
    dueFrom = Math.max(dueFrom, now);
    for (let reads = 0; reads < STEP_READS_MAX && batch.length < limit; reads++) {
      const next = await selected.next();
      if (next.done) {
        await redriveBatch(batch, now);
        return false;
      }
      if (typeof next.value === "string") ended("unknown", next.value);
      else batch.push(...next.value);
    }
    await redriveBatch(batch, now);
    return true;
  }

  async function redriveBatch(candidates: readonly Candidate[], now: number): Promise<void> {
    const attempts = await readAttempts(store, candidates);
    const transitions: Transition[] = [];
    for (const { n, d } of candidates) {
      const at = Math.floor(dueFrom + transitions.length * apartMs);
      const evaluate = (made: readonly AttemptRecord[]) => decideRedrive(n, d, made, { ...options.terms, now, at, named });
      const result = await voidUnclaimed(evaluate, d, attempts.get(d.id) ?? [], now);
      if (result.kind === "unclaimed") throw new Error(`attempts ${result.numbers} of ${d.id} are neither claimed nor free`);
      if (result.kind === "redrive" && !(await keepContent(n, d, at))) ended("content-lost", d.id);
      else if (result.kind === "redrive") transitions.push(result.transition);
      else ended(result.kind, d.id);
    }
    const applied = options.dryRun
      ? transitions.map(() => true)
      : await applyTransitions(store.notifications, options.recorder, transitions);
    dueFrom += applied.filter((isApplied) => isApplied).length * apartMs;
    for (const [i, { change }] of transitions.entries()) ended(applied[i] ? "redriven" : "changed", change.deliveryId);
  }

  /** Has a large content and stored files kept until the redriven delivery expires. False where the store no longer has them, or its own content. */
  async function keepContent(n: NotificationRecord, d: Delivery, at: number): Promise<boolean> {
    const { app, blobIds = [] } = n;
    if (n.contentDeletedAt !== undefined) return false;
    const hash = n.contentHashes?.[contentPart(d.channel)];
    const keepUntil = contentKeepUntil(
      Math.max(expiryOf(n, d), at + Math.min(options.terms.expiresInMs ?? 0, EXPIRY_MAX_MS)),
      CONTENT_BOUNDS,
    );
    if (d.channel === "email")
      for (const id of blobIds) {
        const found = await (options.dryRun ? store.blobs.find(app, id) : store.blobs.keep(app, id, keepUntil));
        if (found === undefined) return false;
      }
    if (hash === undefined) return true;
    const content = await store.contents.get(app, hash);
    if (content === undefined) return false;
    if (!options.dryRun) await store.contents.put([{ app, hash, content, keepUntil }]);
    return true;
  }

  /** Voids the unclaimed attempt numbers and evaluates again. If a worker claims one of them first, its attempt counts. */
  async function voidUnclaimed(
    evaluate: (made: readonly AttemptRecord[]) => Redrive,
    d: Delivery,
    made: readonly AttemptRecord[],
    now: number,
  ): Promise<Redrive> {
    const result = evaluate(made);
    if (result.kind !== "unclaimed") return result;
    const voids = result.numbers.map((number) => voidAttempt({ deliveryId: d.id, attempt: number }, OPERATOR, REDRIVEN, now));
    if (options.dryRun) return evaluate([...made, ...voids]);
    await store.attempts.claim(voids);
    return evaluate(await store.attempts.find(idsOf(d)));
  }
}

/** The selected deliveries of one notification after the other, which may be none; and the given ids for which the store has none. */
async function* select(store: RedriveStore, selection: Selection): AsyncGenerator<Candidate[] | string, void> {
  if (selection.kind === "filter") {
    for await (const n of store.notifications.failed(selection.filter.from, selection.filter.to))
      yield deadLetters(n, selection.filter).map((d) => ({ n, d }));
    return;
  }
  for (const id of new Set(selection.ids)) {
    const n = await store.notifications.find(notificationIdOf(id));
    // The id of a notification selects all its failed deliveries.
    const meant = n?.deliveries.filter((d) => d.id === id || (n.id === id && d.state === "failed")) ?? [];
    yield !n || meant.length === 0 ? id : meant.map((d) => ({ n, d }));
  }
}

const idsOf = (d: Delivery) => Array.from({ length: d.attempt }, (_, i) => attemptId(d.id, i + 1));

async function readAttempts({ attempts }: RedriveStore, candidates: readonly Candidate[]): Promise<Map<string, AttemptRecord[]>> {
  return Map.groupBy(await attempts.find(candidates.flatMap(({ d }) => idsOf(d))), (a) => a.deliveryId);
}
