import { type FcmMessage, fcmMessage } from "../../core/content/fcm-message.ts";
import type { PushContent } from "../../core/content/push-content.ts";
import type { FcmEndpoint } from "../../core/delivery/endpoint.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { apnsPriority } from "../transport/apns-priority.ts";
import { replacementMark, topicOf } from "../transport/replacement-mark.ts";
import { apnsExpiration, storedSeconds } from "../transport/stored-for.ts";
import { webUrgency } from "../transport/web-urgency.ts";

/**
 * A message as it is sent. firebase-admin's code, which renames keys and turns durations into text, is not used: a send through it takes three to
 * four times the CPU time.
 * @param now ms since the epoch: FCM takes a duration, not a moment
 */
export function buildFcmMessage(delivery: OutboundDelivery, { token, kind }: FcmEndpoint, content: PushContent, now: number): FcmMessage {
  const mark = replacementMark(delivery);
  return fcmMessage(content, {
    ...{
      token,
      isInstallation: kind === "installation",
      mark,
      topic: topicOf(mark),
      isCollapsed: Boolean(delivery.collapseKey),
      priority: delivery.priority,
    },
    ids: { delivery: delivery.deliveryId, attempt: delivery.attemptId },
    ttlSeconds: storedSeconds(delivery, now),
    apnsExpiration: apnsExpiration(delivery, now),
    apnsPriority: apnsPriority(content, delivery.priority),
    urgency: webUrgency(content, delivery.priority),
  });
}
