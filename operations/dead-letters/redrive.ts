import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import { reason } from "../../core/delivery/reason.ts";
import { type Void, voidAttempt } from "../../core/delivery/transitions.ts";
import { type AttemptRecord, attemptId, notificationIdOf } from "../../core/ports/attempt-store.ts";
import type { DeliveryChange } from "../../core/ports/notification-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { type DeadLetterFilter, deadLetters, type Redrive, type RedriveTerms, redriveChange } from "./dead-letters.ts";

/** Deliveries that are read and changed together. */
const BATCH_DELIVERIES = 200;
/** Ids named for each of what was left. */
const EXAMPLES_MAX = 20;
/** Closes a number that nobody claimed. */
const REDRIVEN: Void = { kind: "void", state: "failed", reason: reason("redriven") };
const OPERATOR = "carillon dead redrive";

/** What became of a dead letter, or of an id that was given. */
export type RedriveEnd = Exclude<Redrive["kind"], "redrive" | "unclosed"> | "redriven" | "changed" | "unknown";
export type RedriveReport = Record<RedriveEnd, { count: number; examples: string[] }>;

export type Selection = { kind: "ids"; ids: readonly string[] } | { kind: "filter"; filter: DeadLetterFilter };

export interface RedriveOptions {
  terms: Pick<RedriveTerms, "uncertain" | "expiresInMs">;
  /** ms since the epoch. */
  now: number;
  /** So many a second become due; undefined: all at once. */
  rate?: number | undefined;
  /** Changes nothing, and tells what would become of each. */
  dryRun: boolean;
}

type RedriveStore = Pick<Store, "notifications" | "attempts">;
interface Candidate {
  n: NotificationRecord;
  d: Delivery;
}

/** Redrives what is selected. What is left behind is left as it was. */
export async function redrive(store: RedriveStore, selection: Selection, options: RedriveOptions): Promise<RedriveReport> {
  const report = {} as RedriveReport;
  for (const end of ["redriven", "may-be-sent", "expired", "gone", "not-failed", "changed", "unknown"] as const)
    report[end] = { count: 0, examples: [] };
  const ended = (end: RedriveEnd, id: string) => {
    report[end].count++;
    if (end !== "redriven" && report[end].examples.length < EXAMPLES_MAX) report[end].examples.push(id);
  };
  const named = selection.kind === "ids";
  /** When the one after so many others is to go. */
  const dueAfter = (others: number) => options.now + (options.rate === undefined ? 0 : Math.floor((others * 1_000) / options.rate));

  let batch: Candidate[] = [];
  for await (const found of select(store, selection)) {
    if (typeof found === "string") ended("unknown", found);
    else batch.push(found);
    if (batch.length < BATCH_DELIVERIES) continue;
    await redriveBatch(batch);
    batch = [];
  }
  await redriveBatch(batch);
  return report;

  async function redriveBatch(candidates: readonly Candidate[]): Promise<void> {
    const attempts = await readAttempts(store, candidates);
    const changes: DeliveryChange[] = [];
    for (const { n, d } of candidates) {
      const at = dueAfter(report.redriven.count + changes.length);
      const judge = (made: readonly AttemptRecord[]) => redriveChange(n, d, made, { ...options.terms, at, named });
      const result = await closedFirst(judge, d, attempts.get(d.id) ?? []);
      if (result.kind === "unclosed") throw new Error(`attempts ${result.numbers} of ${d.id} are neither claimed nor free`);
      if (result.kind === "redrive") changes.push(result.change);
      else ended(result.kind, d.id);
    }
    const applied = options.dryRun ? changes.map(() => true) : await store.notifications.change(changes);
    for (const [i, { deliveryId }] of changes.entries()) ended(applied[i] ? "redriven" : "changed", deliveryId);
  }

  /** Closes what numbers are free; who claims one at the same moment has it. */
  async function closedFirst(
    judge: (made: readonly AttemptRecord[]) => Redrive,
    d: Delivery,
    made: readonly AttemptRecord[],
  ): Promise<Redrive> {
    const result = judge(made);
    if (result.kind !== "unclosed") return result;
    const closings = result.numbers.map((number) => voidAttempt({ deliveryId: d.id, attempt: number }, OPERATOR, REDRIVEN, options.now));
    if (options.dryRun) return judge([...made, ...closings]);
    await store.attempts.claim(closings);
    return judge(await store.attempts.find(idsOf(d)));
  }
}

/** The deliveries meant, and ids of which the store knows nothing. */
async function* select(store: RedriveStore, selection: Selection): AsyncGenerator<Candidate | string> {
  if (selection.kind === "filter") {
    for await (const n of store.notifications.failed(selection.filter.from, selection.filter.to))
      for (const d of deadLetters(n, selection.filter)) yield { n, d };
    return;
  }
  for (const id of new Set(selection.ids)) {
    const n = await store.notifications.find(notificationIdOf(id));
    // A notification's id means all of it that failed.
    const meant = n?.deliveries.filter((d) => d.id === id || (n.id === id && d.state === "failed")) ?? [];
    if (!n || meant.length === 0) yield id;
    else for (const d of meant) yield { n, d };
  }
}

const idsOf = (d: Delivery) => Array.from({ length: d.attempt }, (_, i) => attemptId(d.id, i + 1));

async function readAttempts({ attempts }: RedriveStore, candidates: readonly Candidate[]): Promise<Map<string, AttemptRecord[]>> {
  return Map.groupBy(await attempts.find(candidates.flatMap(({ d }) => idsOf(d))), (a) => a.deliveryId);
}
