import type { PushContent } from "../../core/content/push-content.ts";
import { webPushPlaintext } from "../../core/content/webpush-payload.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { replacementMark, topicOf } from "../transport/replacement-mark.ts";
import { storedSeconds } from "../transport/stored-for.ts";
import { type Urgency, webUrgency } from "../transport/web-urgency.ts";

/** What web-push is given. */
export interface WebPushMessage {
  /** JSON, before encryption. */
  plaintext: string;
  /** Seconds. */
  ttl: number;
  urgency: Urgency;
  topic: string;
}

/** @param origin the application's, see WebPushEnvelope; @param now ms since the epoch: push services take a duration, not a moment */
export function buildWebPushMessage(
  delivery: OutboundDelivery,
  content: PushContent,
  { origin, now }: { origin: string | undefined; now: number },
): WebPushMessage {
  const mark = replacementMark(delivery);
  const ids = { delivery: delivery.deliveryId, attempt: delivery.attemptId };
  return {
    plaintext: webPushPlaintext(content, { ids, mark, origin }),
    ttl: storedSeconds(delivery, now),
    urgency: webUrgency(content, delivery.priority),
    topic: topicOf(mark),
  };
}
