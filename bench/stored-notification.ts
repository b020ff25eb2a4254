import { notificationId } from "../adapters/ids.ts";
import type { PushContent } from "../core/content/push-content.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import type { NotificationRecord } from "../core/delivery/notification.ts";

/** A push of the app "bench" as a store holds it before anything is published; it is due now. */
export function storedNotification(
  endpoint: Endpoint,
  { key, now, push }: { key: string; now: number; push: PushContent },
): NotificationRecord {
  const id = notificationId("bench", key);
  return {
    ...{ id, app: "bench", idempotencyKey: key, payloadHash: "0".repeat(64), recipient: { kind: "endpoint", endpoint } },
    ...{ notificationClass: "transactional", category: "orders", content: { push }, priority: "high" },
    ...{ acceptedAt: now, sendAt: now, expiresAt: now + 86_400_000 },
    deliveries: [{ id: `${id}-0`, channel: endpoint.channel, endpoint, state: "pending", attempt: 1, publishCount: 0, nextAt: now }],
  };
}
