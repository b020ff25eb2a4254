import type { Priority } from "../../core/channel.ts";
import { PUSH_STORED_MS_MAX, WEBPUSH_TOPIC_CHARS_MAX } from "../../core/limits.ts";
import type { PushContent } from "../../core/notification.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { webPushPayload } from "../../core/push-payload.ts";
import { sha256Hex } from "../../infra/hash.ts";

/** What web-push is given. */
export interface WebPushMessage {
  /** JSON, before encryption. */
  plaintext: string;
  /** Seconds. */
  ttl: number;
  urgency: "low" | "normal" | "high";
  topic: string | undefined;
}

const URGENCY: Record<Priority, WebPushMessage["urgency"]> = { high: "high", normal: "normal", low: "low" };

/** @param now ms since the epoch: push services want to know how long, not until when */
export const buildWebPushMessage = (delivery: OutboundDelivery, content: PushContent, now: number): WebPushMessage => ({
  plaintext: JSON.stringify(webPushPayload(content, { delivery: delivery.deliveryId, attempt: delivery.attemptId })),
  ttl: Math.floor(Math.min(Math.max(delivery.expiresAt - now, 0), PUSH_STORED_MS_MAX) / 1000),
  urgency: URGENCY[delivery.priority],
  topic: delivery.collapseKey ? topicOf(delivery.collapseKey) : undefined,
});

/** As it is where it is a topic already; else a hash, the same for the same key. */
export const topicOf = (key: string) =>
  /^[\w-]+$/.test(key) && key.length <= WEBPUSH_TOPIC_CHARS_MAX ? key : sha256Hex(key).slice(0, WEBPUSH_TOPIC_CHARS_MAX);
