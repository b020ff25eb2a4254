import { randomBytes } from "node:crypto";
import type { EmailContent } from "../../core/notification.ts";
import { attemptId } from "../../core/ports/attempt-store.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";

/** 2026-11-23 12:00 UTC: when the tests' mails go out. */
export const SAMPLE_NOW = Date.UTC(2026, 10, 23, 12);

/** A mail to send in tests, with ids of its own each time. */
export function sampleEmail(given: { address?: string; content?: Partial<EmailContent> } = {}): OutboundDelivery {
  const deliveryId = `${randomBytes(16).toString("hex")}-0`;
  return {
    deliveryId,
    attemptId: attemptId(deliveryId, 1),
    app: "shop",
    channel: "email",
    endpoint: { channel: "email", address: given.address ?? "ann@example.org" },
    notificationClass: "transactional",
    category: "receipt",
    content: { email: { subject: "Your receipt", html: "<p>Thank you</p>", text: "Thank you", ...given.content } },
    priority: "normal",
    expiresAt: SAMPLE_NOW + 600_000,
  };
}
