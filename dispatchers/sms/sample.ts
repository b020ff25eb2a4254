import type { OutboundDelivery } from "../../core/ports/provider.ts";

/** 2026-11-23 12:00 UTC: when the tests' texts go out. */
export const SAMPLE_NOW = Date.UTC(2026, 10, 23, 12);
let serial = 0;

/** A text to send in tests, with ids of its own each time. */
export function sampleSms(given: { phoneNumber?: string; text?: string; expiresAt?: number } = {}): OutboundDelivery {
  serial += 1;
  const deliveryId = `${serial.toString(16).padStart(32, "0")}-0`;
  return {
    deliveryId,
    attemptId: `${deliveryId}/1`,
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
