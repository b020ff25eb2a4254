import { type Delivery, END_STATES, isOpen, type NotificationRecord } from "../../core/delivery/notification.ts";
import { isSentTwice, mayBeSent, takenMost } from "../../core/delivery/second-send.ts";
import { type AttemptRecord, notificationIdOf } from "../../core/ports/attempt-store.ts";

/** What is checked; the number is the promise's. */
export const CHECKS = {
  kept: "1 accepted is kept",
  owned: "1 no attempt without its notification",
  ends: "2 accepted = ends + open",
  watched: "2 uncertain is looked at again",
  arrived: "2 sent has arrived",
  once: "3 no second send (attempts)",
  proven: "3 sent has its attempt",
  takenOnce: "3 no second send (providers)",
  obeyed: "4 an opt-out is obeyed",
} as const;
export type CheckName = keyof typeof CHECKS;

export interface Break {
  check: CheckName;
  /** Of the delivery. */
  id: string;
}

/** How often providers took deliveries, by delivery id. */
export type Taken = ReadonlyMap<string, number>;

/**
 * What looks broken in these notifications, by notification id. Pure.
 *
 * Of a system at work, three readings are three moments. Read in this order (notifications, what providers took, attempts), each is compared
 * only with what must have been there before it: a delivery is called sent after its attempt was recorded and its provider took it, and a
 * provider takes it after the attempt was claimed. What can still look broken, and does not when read again:
 * - owned: the notification was accepted between the first and the last reading;
 * - once, takenOnce: attempts are not all read at one moment, so one may be seen without the outcome that allowed the next;
 * - any: a database that answers from a copy behind its newest write.
 * ends and watched compare one document with itself: it is written and read as a whole.
 *
 * @param attempts of these notifications; those of others break `owned`
 * @param taken of these notifications; those of others break `takenOnce`. Undefined: not known
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
  if (isSent && !attempts.some((a) => (knownToBe(a) && mayBeSent(a)) || gaveWay(a))) breaks.push("proven");
  if (!taken) return breaks;
  const times = taken.get(d.id) ?? 0;
  if (times > takenMost(attempts)) breaks.push("takenOnce");
  if (isSent && times === 0) breaks.push("arrived");
  if (IS_UNSENT[d.state] && times > 0 && !mayHaveGoneBefore(d, attempts)) breaks.push("obeyed");
  return breaks;
}

/** Open with a moment to look again, or ended without one. */
const isAccountedFor = (d: Delivery) =>
  isOpen(d.state) ? d.nextAt !== undefined : END_STATES.includes(d.state) && d.nextAt === undefined && d.endedAt !== undefined;

/** A delivery is called sent only once something told so. */
const knownToBe = (a: AttemptRecord) => a.outcome !== undefined || a.resolution !== undefined;

/** Void because an earlier one was accepted: its provider told so, maybe after it had answered that it did not take it. */
const gaveWay = ({ outcome }: AttemptRecord) => outcome?.kind === "void" && (outcome.state === "sent" || outcome.state === "delivered");

/** Ends that say nobody was to hear of it. */
const IS_UNSENT: Partial<Record<Delivery["state"], boolean>> = { suppressed: true, expired: true, cancelled: true };

/** An attempt whose outcome stayed unknown, or that was sent before a redrive, may have arrived although the next one ends so. */
const mayHaveGoneBefore = (d: Delivery, attempts: readonly AttemptRecord[]) =>
  attempts.some((a) => a.outcome?.kind === "unanswered" || (a.number < d.attempt && mayBeSent(a)));
