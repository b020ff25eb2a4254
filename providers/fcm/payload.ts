import type { AndroidConfig, TokenMessage } from "firebase-admin/messaging";
import { FCM_PAYLOAD_BYTES_MAX, PUSH_STORED_MS_MAX, WEBPUSH_TOPIC_CHARS_MAX } from "../../core/content/limits.ts";
import { type FcmPayload, fcmPayload, fcmPayloadBytes } from "../../core/content/push.ts";
import { isSilent, type PushContent } from "../../core/content/push-content.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { sha256Hex } from "../../runtime/hash.ts";
import { replacementMark } from "../transport/replacement-mark.ts";

/**
 * A message as it is sent (FCM REST reference: Message). firebase-admin's types say what it may hold; its code, which renames keys and turns
 * durations into text, is not used: a send through it takes three to four times the CPU time.
 */
export interface FcmMessage extends Pick<TokenMessage, "token" | "notification" | "data"> {
  android: Pick<AndroidConfig, "priority"> & { ttl: `${number}s`; collapse_key?: string; notification?: Tagged };
  apns: { headers: Record<string, string>; payload?: { aps: { "content-available": 1 } } };
  webpush: { headers: Record<string, string>; notification?: Tagged };
}

interface Tagged {
  tag: string;
}

/** @param now ms since the epoch: FCM takes a duration, not a moment */
export function buildFcmMessage(delivery: OutboundDelivery, token: string, content: PushContent, now: number): FcmMessage {
  const payload = fcmPayload(content, { delivery: delivery.deliveryId, attempt: delivery.attemptId });
  const mark = replacementMark(delivery);
  const silent = isSilent(content);
  const tagged = !silent && hasRoomForTag(payload, mark) ? { notification: { tag: mark } } : {};
  return {
    token,
    ...payload,
    android: {
      priority: delivery.priority === "high" ? "high" : "normal",
      ttl: `${ttlSeconds(delivery.expiresAt, now)}s`,
      // FCM stores four different collapse keys a device and throttles pushes that have one: set for the caller's key only, never for our own.
      ...(delivery.collapseKey ? { collapse_key: mark } : {}),
      ...tagged,
    },
    apns: silent
      ? {
          headers: { "apns-collapse-id": mark, "apns-push-type": "background", "apns-priority": "5" },
          payload: { aps: { "content-available": 1 } },
        }
      : { headers: { "apns-collapse-id": mark } },
    webpush: { headers: { Topic: topicOf(mark) }, ...tagged },
  };
}

/** The tag travels inside the payload. A push that fits only without its tag is sent without it. */
const hasRoomForTag = (payload: FcmPayload, mark: string) =>
  fcmPayloadBytes(payload) + Buffer.byteLength(`tag${mark}`) <= FCM_PAYLOAD_BYTES_MAX;

/** As RFC 8030 section 5.4 wants it: at most 32 characters of base64url. */
const topicOf = (mark: string) => sha256Hex(mark).slice(0, WEBPUSH_TOPIC_CHARS_MAX);

/** Whole seconds, rounded down, so that nothing is delivered after its expiry. */
export const ttlSeconds = (expiresAt: number, now: number) => Math.floor(Math.min(Math.max(expiresAt - now, 0), PUSH_STORED_MS_MAX) / 1000);
