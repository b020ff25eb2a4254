import { PUSH_STORED_MS_MAX, WEBPUSH_TOPIC_CHARS_MAX } from "../../core/content/limits.ts";
import { webPushPayload } from "../../core/content/push.ts";
import type { PushContent } from "../../core/content/push-content.ts";
import type { Priority } from "../../core/delivery/channel.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { sha256Hex } from "../../runtime/hash.ts";
import { replacementMark } from "../transport/replacement-mark.ts";

/** What web-push is given. */
export interface WebPushMessage {
  /** JSON, before encryption. */
  plaintext: string;
  /** Seconds. */
  ttl: number;
  urgency: "low" | "normal" | "high";
  topic: string;
}

const URGENCY: Record<Priority, WebPushMessage["urgency"]> = { high: "high", normal: "normal", low: "low" };

/** @param now ms since the epoch: push services take a duration, not a moment */
export const buildWebPushMessage = (delivery: OutboundDelivery, content: PushContent, now: number): WebPushMessage => ({
  plaintext: JSON.stringify(webPushPayload(content, { delivery: delivery.deliveryId, attempt: delivery.attemptId })),
  ttl: Math.floor(Math.min(Math.max(delivery.expiresAt - now, 0), PUSH_STORED_MS_MAX) / 1000),
  urgency: URGENCY[delivery.priority],
  topic: topicOf(replacementMark(delivery)),
});

/** Marks are longer than a topic may be, or hold a slash, which it may not: 128 bits of a hash, the same for the same mark. */
export const topicOf = (mark: string) => sha256Hex(mark).slice(0, WEBPUSH_TOPIC_CHARS_MAX);
