import type { TokenMessage } from "firebase-admin/messaging";
import { PUSH_STORED_MS_MAX } from "../../core/limits.ts";
import type { PushContent } from "../../core/notification.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { fcmPayload } from "../../core/push-payload.ts";

/** @param now ms since the epoch: FCM wants to know how long, not until when */
export function buildFcmMessage(delivery: OutboundDelivery, token: string, content: PushContent, now: number): TokenMessage {
  return {
    token,
    ...fcmPayload(content, { delivery: delivery.deliveryId, attempt: delivery.attemptId }),
    android: {
      priority: delivery.priority === "high" ? "high" : "normal",
      ttl: ttlMs(delivery.expiresAt, now),
      ...(delivery.collapseKey ? { collapseKey: delivery.collapseKey } : {}),
    },
  };
}

/** Whole seconds, rounded down: late by nothing. */
export const ttlMs = (expiresAt: number, now: number) =>
  Math.floor(Math.min(Math.max(expiresAt - now, 0), PUSH_STORED_MS_MAX) / 1000) * 1000;
