import { Notification, Priority } from "apns2";
import type { PushContent } from "../../core/content/push.ts";
import { apnsPayload } from "../../core/content/push.ts";
import type { Priority as CarillonPriority } from "../../core/delivery/channel.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { replacementMark } from "../transport/replacement-mark.ts";

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
    collapseId: replacementMark(delivery),
  });
}
