import { Notification, Priority } from "apns2";
import type { Priority as CarillonPriority } from "../../core/channel.ts";
import { APNS_COLLAPSE_ID_BYTES_MAX } from "../../core/limits.ts";
import type { PushContent } from "../../core/notification.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { apnsPayload, utf8Bytes } from "../../core/push-payload.ts";
import { sha256Hex } from "../../infra/hash.ts";

const PRIORITY: Record<CarillonPriority, Priority> = { high: Priority.immediate, normal: Priority.throttled, low: Priority.low };

/** What apns2 is given. It puts `data` beside aps, so the payload's other keys go in there. */
export function buildApnsNotification(delivery: OutboundDelivery, deviceToken: string, content: PushContent): Notification {
  const { aps, ...besides } = apnsPayload(content, { delivery: delivery.deliveryId, attempt: delivery.attemptId });
  return new Notification(deviceToken, {
    type: "alert",
    aps,
    data: besides,
    priority: PRIORITY[delivery.priority],
    expiration: Math.floor(delivery.expiresAt / 1000),
    ...(delivery.collapseKey ? { collapseId: collapseId(delivery.collapseKey) } : {}),
  });
}

/** As it is where APNs takes it, in printable ASCII for it is a header; else a hash, the same for the same key. */
export const collapseId = (key: string) =>
  /^[\x21-\x7e]+$/.test(key) && utf8Bytes(key) <= APNS_COLLAPSE_ID_BYTES_MAX ? key : sha256Hex(key);
