import { Notification, Priority, PushType } from "apns2";
import type { PushContent } from "../../core/content/push.ts";
import { apnsPayload, isSilent } from "../../core/content/push.ts";
import type { Priority as CarillonPriority } from "../../core/delivery/channel.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { replacementMark } from "../transport/replacement-mark.ts";

const PRIORITY: Record<CarillonPriority, Priority> = { high: Priority.immediate, normal: Priority.throttled, low: Priority.low };

/** What apns2 is given. It puts `data` beside aps, so the payload's other keys go in there. */
export function buildApnsNotification(delivery: OutboundDelivery, deviceToken: string, content: PushContent): Notification {
  const { aps, ...besides } = apnsPayload(content, { delivery: delivery.deliveryId, attempt: delivery.attemptId });
  const silent = isSilent(content);
  return new Notification(deviceToken, {
    type: silent ? PushType.background : PushType.alert,
    aps,
    data: besides,
    // A background push of any other priority is an error (Apple: Pushing background updates to your app).
    priority: silent ? Priority.throttled : PRIORITY[delivery.priority],
    expiration: Math.floor(delivery.expiresAt / 1000),
    collapseId: replacementMark(delivery),
  });
}
