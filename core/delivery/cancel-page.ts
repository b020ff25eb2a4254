import type { EventRecorder } from "../ports/event-recorder.ts";
import type { CancelSelection, Place } from "../ports/notification-store.ts";
import type { Store } from "../ports/store.ts";
import { type CancelledDelivery, cancelNotifications } from "./cancel.ts";
import { placeOf } from "./place.ts";
import { type Reason, reason } from "./reason.ts";

/** Notifications read and cancelled together: SQLite, which has one writer at a time, is busy with them for some ms. */
const PAGE = 50;
/** The most notifications that one call cancels; fewer where its deadline is near. */
export const CANCEL_NOTIFICATIONS_MAX = 1_000;
/** A call begins no further page once its answer has so many deliveries: they take less than 1 MiB. */
const DELIVERIES_MAX = 5_000;
/** What remains to be cancelled is counted up to this number, to bound the cost. */
export const REMAINING_MAX = 10_000;

interface CancelledPage {
  deliveries: CancelledDelivery[];
  /** How many the next calls would look at, counted up to REMAINING_MAX. */
  remaining: number;
  /** Where the next call goes on; undefined at the end. */
  next: Place | undefined;
}

/** Who asks and why: the detail of the reason that cancelled deliveries have. */
export const cancelReason = ({ actor, text }: { actor: string; text: string }): Reason =>
  reason("cancelled", [actor, text].filter((part) => part !== "").join(": "));

/**
 * Cancels what is open of a selection, in the order of acceptance, as far as one call may go. What is accepted meanwhile may be among it.
 * @param hasTime false: it stops behind a page, and the next call goes on
 * Rejects as cancelNotifications() does.
 */
export async function cancelSelection(
  parts: { store: Pick<Store, "attempts" | "notifications">; recorder: EventRecorder },
  { app, selection, after }: { app: string; selection: CancelSelection; after: Place },
  how: { reason: Reason; now: number },
  hasTime: () => boolean,
): Promise<CancelledPage> {
  const { notifications } = parts.store;
  const deliveries: CancelledDelivery[] = [];
  let next = after;
  let looked = 0;
  do {
    const page = await notifications.openOf(app, selection, next, PAGE);
    deliveries.push(...(await cancelNotifications(parts, page, how)));
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return { deliveries, remaining: 0, next: undefined };
    next = placeOf(last);
    looked += PAGE;
  } while (looked < CANCEL_NOTIFICATIONS_MAX && deliveries.length < DELIVERIES_MAX && hasTime());
  const remaining = await notifications.countOpenOf(app, selection, next, REMAINING_MAX);
  return { deliveries, remaining, next: remaining > 0 ? next : undefined };
}
