import { type AttemptRecord, knownOutcome } from "../ports/attempt-store.ts";
import type { EventRecorder } from "../ports/event-recorder.ts";
import type { Store } from "../ports/store.ts";
import { applyTransitions } from "./apply-transitions.ts";
import { type Delivery, isOpen, type NotificationRecord } from "./notification.ts";
import type { Reason } from "./reason.ts";
import { mayBeSent } from "./second-send.ts";
import { acceptedOf, repeatedIds, SUPERSEDED } from "./superseded.ts";
import { factsOf, type Transition, voided } from "./transitions.ts";
import { endOfVoid, mayHaveGone, type Void, voidAttempt } from "./void-attempt.ts";

/** The worker's name in void attempts that a cancellation made. */
const WORKER = "cancel";
/** A delivery needs a further round only where its next attempt began during this one, and attempts are seconds apart. */
const ROUNDS_MAX = 5;

/**
 * cancelled: it was not sent and never will be. in-flight: a provider is being called, or its answer is being recorded; it is not repeated. in-doubt: an
 * attempt may have reached the provider; it is not repeated. too-late: it had ended.
 */
export type CancelOutcome = "cancelled" | "in-flight" | "in-doubt" | "too-late";

export interface CancelledDelivery {
  /** As it is now. */
  delivery: Delivery;
  outcome: CancelOutcome;
}

interface Candidate {
  n: NotificationRecord;
  d: Delivery;
}
/** The number that a delivery's cancelling closes, and by what. */
interface Closing extends Candidate {
  attempt: AttemptRecord;
  outcome: Void;
  providerRef?: string | undefined;
}

/** The attempt that has a number: another process's, or the one by which this call closed it. */
type Holder = AttemptRecord | "ours" | undefined;

/** Its deliveries changed again and again; the caller may repeat the call. */
export class CancelContendedError extends Error {
  override name = "CancelContendedError";
}

/**
 * Cancels what was not given to a provider. Each delivery is decided by one conditional insert, as every end without a call: who inserts the record of an attempt
 * number has that number. Where the number is free, no copy of the task can be sent any more once it is closed, and only then the delivery becomes cancelled. Where it
 * is taken, the next number is closed, so that no attempt follows; what becomes of this one decides how the delivery ends. A call that was interrupted is
 * finished by the next one, and a repeated call changes nothing.
 * @returns one for each delivery, in their order
 * Rejects with a StoreError, or a CancelContendedError.
 */
export async function cancelNotifications(
  parts: { store: Pick<Store, "attempts" | "notifications">; recorder: EventRecorder },
  records: readonly NotificationRecord[],
  { reason, now }: { reason: Reason; now: number },
): Promise<CancelledDelivery[]> {
  const found = new Map<string, CancelledDelivery>();
  let left = records;
  for (let round = 1; left.length > 0; round++) {
    if (round > ROUNDS_MAX) throw new CancelContendedError(`${left.length} notifications changed during each of ${ROUNDS_MAX} tries`);
    const open = settleEnded(left, found);
    for (const [id, result] of await cancelRound(parts, open, { reason, now, isFirst: round === 1 })) found.set(id, result);
    const again = new Set(open.flatMap(({ n, d }) => (found.has(d.id) ? [] : [n.id])));
    const read = await Promise.all([...again].map((id) => parts.store.notifications.find(id)));
    left = read.filter((n) => n !== undefined);
  }
  return records.flatMap((n) => n.deliveries.flatMap((d) => found.get(d.id) ?? []));
}

/** Answers for those that have ended; returns the others. */
function settleEnded(records: readonly NotificationRecord[], found: Map<string, CancelledDelivery>): Candidate[] {
  const open: Candidate[] = [];
  for (const n of records)
    for (const d of n.deliveries) {
      if (found.has(d.id)) continue;
      if (isOpen(d.state)) open.push({ n, d });
      else found.set(d.id, { delivery: d, outcome: outcomeOfEnd(d) });
    }
  return open;
}

function outcomeOfEnd({ state, reason }: Delivery): CancelOutcome {
  if (state === "cancelled") return "cancelled";
  return state === "failed" && reason?.code === "outcome-unknown" ? "in-doubt" : "too-late";
}

/** The answers that are certain after this round, by delivery id. The other deliveries have changed since they were read. */
async function cancelRound(
  { store, recorder }: { store: Pick<Store, "attempts" | "notifications">; recorder: EventRecorder },
  open: readonly Candidate[],
  { reason, now, isFirst }: { reason: Reason; now: number; isFirst: boolean },
): Promise<[string, CancelledDelivery][]> {
  if (open.length === 0) return [];
  const pending = open.filter(({ d }) => d.state === "pending");
  const earlier = Map.groupBy(await store.attempts.find(pending.flatMap(({ d }) => repeatedIds(d))), (a) => a.deliveryId);
  const cancelled: Void = { kind: "void", state: "cancelled", reason };
  const closeNext = ({ n, d }: Candidate): Closing => ({ n, d, outcome: cancelled, attempt: voidOf(d, d.attempt + 1, cancelled, now) });
  const own = pending.map(({ n, d }): Closing => {
    const accepted = acceptedOf(earlier.get(d.id) ?? []);
    const outcome = accepted ? SUPERSEDED : endOfVoid(d, cancelled);
    return { n, d, outcome, providerRef: accepted?.providerRef, attempt: voidOf(d, d.attempt, outcome, now) };
  });
  const claims = await claim(store, own);
  const ended = own.flatMap((closing, i) => endBy(closing, claims[i]));
  const ending = new Set(ended.map(({ d }) => d.id));
  const busy = own.flatMap(({ n, d }, i) => (ending.has(d.id) ? [] : [{ closing: closeNext({ n, d }), attempt: claims[i] }]));
  const uncertain = open.filter(({ d }) => d.state === "uncertain").map((of) => ({ closing: closeNext(of), attempt: undefined }));
  const next = [...busy, ...uncertain];
  const following = next.map(({ closing }) => closing);
  const nextClaims = await claim(store, following);
  const transitions = ended.map(({ transition }) => transition);
  const applied = await applyTransitions(store.notifications, recorder, transitions);
  return [
    ...ended.flatMap(({ d, transition }, i): [string, CancelledDelivery][] => {
      if (!applied[i]) return [];
      const delivery: Delivery = { ...d, ...transition.change.set };
      return [[d.id, { delivery, outcome: outcomeOfEnd(delivery) }]];
    }),
    ...next.flatMap(({ closing: { d }, attempt }, i): [string, CancelledDelivery][] =>
      // Another attempt has the next number, or is about to: the delivery has gone on since it was read.
      isClosed(nextClaims[i]) && !(isFirst && isToFollow(attempt)) ? [[d.id, { delivery: d, outcome: outcomeWhileOpen(d, attempt) }]] : [],
    ),
  ];
}

const voidOf = (d: Delivery, number: number, outcome: Void, now: number) =>
  voidAttempt({ deliveryId: d.id, attempt: number }, WORKER, outcome, now);

/** Closes the number of each that is free, and tells who has it now. */
async function claim({ attempts }: Pick<Store, "attempts">, closings: readonly Closing[]): Promise<Holder[]> {
  if (closings.length === 0) return [];
  const claimed = await attempts.claim(closings.map(({ attempt }) => attempt));
  const others = await attempts.find(closings.flatMap(({ attempt }, i) => (claimed[i] ? [] : [attempt.id])));
  const byId = new Map(others.map((a) => [a.id, a]));
  return closings.map(({ attempt }, i) => (claimed[i] ? "ours" : byId.get(attempt.id)));
}

const isClosed = (attempt: Holder) => attempt === "ours" || attempt?.outcome?.kind === "void";

/** How a delivery ends whose own number is closed, by this call or by one that did not get as far as to change the delivery. */
function endBy(closing: Closing, attempt: Holder): { d: Delivery; transition: Transition }[] {
  const { n, d, providerRef, attempt: made } = closing;
  const on = factsOf(n, d);
  if (attempt === "ours") return [{ d, transition: voided(on, closing.outcome, made.startedAt, providerRef) }];
  if (attempt?.outcome?.kind !== "void") return [];
  // Not before the number was closed, by a process whose clock may be ahead of this one's.
  const endedAt = Math.max(made.startedAt, attempt.startedAt);
  return [{ d, transition: voided(on, endOfVoid(d, attempt.outcome), endedAt, providerRef) }];
}

/** It is known not to have been sent: by now the delivery may be waiting for the number that this call closed. */
const isToFollow = (attempt: Holder): boolean => attempt !== undefined && attempt !== "ours" && !mayBeSent(attempt);

/** Of a delivery whose attempt is under way or in doubt, and whose next number is closed. */
function outcomeWhileOpen(d: Delivery, attempt: Holder): CancelOutcome {
  if (d.state === "uncertain") return "in-doubt";
  const known = attempt === undefined || attempt === "ours" ? undefined : knownOutcome(attempt);
  if (known?.kind === "accepted") return "too-late";
  return known?.kind === "unanswered" || mayHaveGone(d) ? "in-doubt" : "in-flight";
}
