import { type Delivery, END_STATES, isOpen, type NotificationRecord } from "../../core/delivery/notification.ts";
import { isSentTwice, mayBeSent, takenMost } from "../../core/delivery/second-send.ts";
import { type AttemptRecord, notificationIdOf } from "../../core/ports/attempt-store.ts";

/** The checks; each begins with the number of its promise. */
export const CHECKS = {
  kept: "1 accepted is kept",
  owned: "1 no attempt without its notification",
  ends: "2 accepted = ends + open",
  watched: "2 uncertain has a next check",
  arrived: "2 sent has arrived",
  once: "3 no second send (attempts)",
  proven: "3 sent has its attempt",
  takenOnce: "3 no second send (providers)",
  obeyed: "4 an opt-out is obeyed",
} as const;
export type CheckName = keyof typeof CHECKS;

export interface Break {
  check: CheckName;
  /** The delivery's id. */
  id: string;
}

/** How often providers accepted each delivery, by delivery id. */
export type Taken = ReadonlyMap<string, number>;

/**
 * The checks that these notifications seem to break, by notification id. Pure.
 *
 * A running system changes between the readings. They are made in the order notifications, what providers accepted, attempts, so that each
 * is compared only with what must have existed before it: a delivery becomes sent after its attempt was recorded and its provider accepted
 * it, and a provider accepts it after the attempt was claimed. A check may still seem broken once, and not when read again:
 * - owned: the notification was accepted between the first and the last reading;
 * - once, takenOnce: attempts are not all read at the same moment, so one may be seen without the outcome that allowed the next;
 * - any: the database answered from a replica that lags behind.
 * ends and watched compare one document with itself, which is written and read as a whole.
 *
 * @param attempts of these notifications; an attempt of another one breaks `owned`
 * @param taken of these notifications; a delivery of another one breaks `takenOnce`. Undefined: not known
 */
export function breaksIn(
  notifications: readonly NotificationRecord[],
  attempts: readonly AttemptRecord[],
  taken: Taken | undefined,
): Map<string, Break[]> {
  const breaks = new Map<string, Break[]>();
  const broken = (notificationId: string, check: CheckName, id: string) => {
    const known = breaks.get(notificationId);
    if (known) known.push({ check, id });
    else breaks.set(notificationId, [{ check, id }]);
  };
  const attemptsOf = Map.groupBy(attempts, (a) => a.deliveryId);
  const there = new Set<string>();
  for (const n of notifications)
    for (const d of n.deliveries) {
      there.add(d.id);
      for (const check of breaksOf(d, attemptsOf.get(d.id) ?? [], taken)) broken(n.id, check, d.id);
    }
  for (const id of attemptsOf.keys()) if (!there.has(id)) broken(notificationIdOf(id), "owned", id);
  for (const id of taken?.keys() ?? []) if (!there.has(id)) broken(notificationIdOf(id), "takenOnce", id);
  return breaks;
}

function breaksOf(d: Delivery, attempts: readonly AttemptRecord[], taken: Taken | undefined): CheckName[] {
  const breaks: CheckName[] = [];
  const isSent = d.state === "sent" || d.state === "delivered";
  if (!isAccountedFor(d)) breaks.push("ends");
  if (d.state === "uncertain" && (d.uncertainSince === undefined || d.nextAt === undefined)) breaks.push("watched");
  if (isSentTwice(attempts)) breaks.push("once");
  if (isSent && !attempts.some((a) => (knownToBe(a) && mayBeSent(a)) || isSuperseded(a))) breaks.push("proven");
  if (!taken) return breaks;
  const times = taken.get(d.id) ?? 0;
  if (times > takenMost(attempts)) breaks.push("takenOnce");
  if (isSent && times === 0) breaks.push("arrived");
  if (IS_UNSENT[d.state] && times > 0 && !mayHaveGoneBefore(d, attempts)) breaks.push("obeyed");
  return breaks;
}

/** Open with a time for the next step, or ended without one. */
const isAccountedFor = (d: Delivery) =>
  isOpen(d.state) ? d.nextAt !== undefined : END_STATES.includes(d.state) && d.nextAt === undefined && d.endedAt !== undefined;

/** A delivery becomes sent only by an outcome or a resolution. */
const knownToBe = (a: AttemptRecord) => a.outcome !== undefined || a.resolution !== undefined;

/** Void because an earlier attempt was accepted, as its provider reported, possibly after it had answered otherwise. */
const isSuperseded = ({ outcome }: AttemptRecord) =>
  outcome?.kind === "void" && (outcome.state === "sent" || outcome.state === "delivered");

/** States that say that nothing was sent. */
const IS_UNSENT: Partial<Record<Delivery["state"], boolean>> = { suppressed: true, expired: true, cancelled: true };

/** An attempt in doubt, or one before a redrive, may have arrived although the delivery then ended in such a state. */
const mayHaveGoneBefore = (d: Delivery, attempts: readonly AttemptRecord[]) =>
  attempts.some((a) => a.outcome?.kind === "unanswered" || (a.number < d.attempt && mayBeSent(a)));
