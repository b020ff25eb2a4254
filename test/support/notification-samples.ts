import { notificationId } from "../../adapters/ids.ts";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import type { ContactRecord } from "../../core/ports/contact-store.ts";

/** One SMS to one number, accepted at `now` and due at once. */
export function sampleNotification(key: string, now: number, over: Partial<NotificationRecord> = {}): NotificationRecord {
  const id = notificationId("app", key);
  return {
    ...{ id, app: "app", idempotencyKey: key, payloadHash: "0".repeat(64), recipient: { kind: "user", userId: "ada" } },
    ...{ notificationClass: "transactional", category: "orders", content: { sms: { text: "hello" } }, priority: "high" },
    ...{ acceptedAt: now, sendAt: now, expiresAt: now + 3_600_000 },
    deliveries: [
      {
        id: `${id}-0`,
        channel: "sms",
        endpoint: { channel: "sms", phoneNumber: "+4915112345678" },
        endpointId: "e".repeat(32),
        state: "pending",
        attempt: 1,
        publishCount: 0,
        nextAt: now,
      },
    ],
    ...over,
  };
}

/** What its first delivery's endpoint is registered as. */
export function contactOf({ app, recipient, acceptedAt, deliveries }: NotificationRecord): ContactRecord {
  const { endpoint, endpointId } = deliveries[0]!;
  if (recipient.kind !== "user" || endpoint === undefined || endpointId === undefined) throw new Error("its endpoint is not registered");
  return { app, userId: recipient.userId, endpointId, endpoint, registeredAt: acceptedAt };
}
