import { randomBytes } from "node:crypto";
import type { EmailContent } from "../../core/content/email-content.ts";
import type { SmsContent } from "../../core/content/sms-content.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { attemptId } from "../../core/ports/attempt-store.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";

/** 2026-11-23 12:00 UTC: when the tests' texts and mails go out. */
export const SAMPLE_NOW = Date.UTC(2026, 10, 23, 12);

type Particular = Pick<OutboundDelivery, "endpoint" | "content" | "expiresAt"> & Partial<OutboundDelivery>;

/** With ids of its own each time. */
function sampleDelivery(given: Particular): OutboundDelivery {
  const deliveryId = `${randomBytes(16).toString("hex")}-0`;
  return {
    deliveryId,
    attemptId: attemptId(deliveryId, 1),
    app: "shop",
    channel: given.endpoint.channel,
    notificationClass: "transactional",
    category: "orders",
    priority: "high",
    ...given,
  };
}

/** A push to send within the hour; `over` replaces what a test is about. */
export const samplePush = (endpoint: Endpoint, over: Partial<OutboundDelivery> = {}): OutboundDelivery =>
  sampleDelivery({
    endpoint,
    content: { push: { title: "Dinner", body: "is ready 🍲", data: { table: "7" } } },
    expiresAt: Date.now() + 3_600_000,
    ...over,
  });

/** A text to send at SAMPLE_NOW. */
export const sampleSms = (
  given: { phoneNumber?: string; text?: string; sms?: Partial<SmsContent>; expiresAt?: number } = {},
): OutboundDelivery =>
  sampleDelivery({
    endpoint: { channel: "sms", phoneNumber: given.phoneNumber ?? "+447700900123" },
    content: { sms: { text: given.text ?? "Your code is 123456", ...given.sms } },
    notificationClass: "critical",
    category: "sign-in",
    expiresAt: given.expiresAt ?? SAMPLE_NOW + 600_000,
  });

/** A mail to send at SAMPLE_NOW. */
export const sampleEmail = (given: { address?: string; content?: Partial<EmailContent> } = {}): OutboundDelivery =>
  sampleDelivery({
    endpoint: { channel: "email", address: given.address ?? "ann@example.org" },
    content: { email: { subject: "Your receipt", html: "<p>Thank you</p>", text: "Thank you", ...given.content } },
    category: "receipt",
    priority: "normal",
    expiresAt: SAMPLE_NOW + 600_000,
  });

/** A push whose payload has exactly `bytes` by `count`, made so by the length of its body. */
export function pushOfBytes(push: OutboundDelivery, bytes: number, count: (push: OutboundDelivery) => number): OutboundDelivery {
  const withBody = (body: string) => ({ ...push, content: { push: { title: "t", body, data: {} } } });
  // An empty body would have no key in the payload.
  return withBody("x".repeat(1 + bytes - count(withBody("x"))));
}

/** Keys of data that mean something to JavaScript, each with a value of its own. */
export const hostileData = (): Record<string, string> =>
  Object.fromEntries(["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "a.b", "$a"].map((key) => [key, `of ${key}`]));
