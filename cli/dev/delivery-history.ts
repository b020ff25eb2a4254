import { type AttemptStore, attemptIdsOf, notificationIdOf } from "../../core/ports/attempt-store.ts";
import type { NotificationStore } from "../../core/ports/notification-store.ts";
import { acceptance, attemptEvents, endEvents, shownState } from "../../operations/why/events.ts";
import type { DeliveryHistory } from "../../sandbox/main.ts";

/** Attempts shown; of more, the last ones. */
const ATTEMPTS_SHOWN_MAX = 100;

export interface HistoryStores {
  notifications: Pick<NotificationStore, "find">;
  attempts: Pick<AttemptStore, "find">;
}

/** What the store knows of a delivery; undefined: nothing. */
export async function readDeliveryHistory(store: HistoryStores, deliveryId: string): Promise<DeliveryHistory | undefined> {
  const notification = await store.notifications.find(notificationIdOf(deliveryId));
  const delivery = notification?.deliveries.find(({ id }) => id === deliveryId);
  if (notification === undefined || delivery === undefined) return undefined;
  const attempts = await store.attempts.find(attemptIdsOf(delivery, ATTEMPTS_SHOWN_MAX));
  const { id, idempotencyKey, app, recipient } = notification;
  return {
    ...{ notificationId: id, idempotencyKey, app, state: shownState(delivery) },
    ...(recipient.kind === "user" ? { userId: recipient.userId } : {}),
    events: [acceptance(notification), ...attempts.flatMap(attemptEvents), ...endEvents(delivery, attempts)],
  };
}
