import { randomBytes } from "node:crypto";
import { attemptId } from "../../core/ports/attempt-store.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";

/** 2026-11-23 12:00 UTC: when the tests' texts go out. */
export const SAMPLE_NOW = Date.UTC(2026, 10, 23, 12);

/** A text to send in tests, with ids of its own each time. */
export function sampleSms(given: { phoneNumber?: string; text?: string; expiresAt?: number } = {}): OutboundDelivery {
  const deliveryId = `${randomBytes(16).toString("hex")}-0`;
  return {
    deliveryId,
    attemptId: attemptId(deliveryId, 1),
    app: "shop",
    channel: "sms",
    endpoint: { channel: "sms", phoneNumber: given.phoneNumber ?? "+447700900123" },
    notificationClass: "critical",
    category: "sign-in",
    content: { sms: { text: given.text ?? "Your code is 123456" } },
    priority: "high",
    expiresAt: given.expiresAt ?? SAMPLE_NOW + 600_000,
  };
}
