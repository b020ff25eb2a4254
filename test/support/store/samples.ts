import { randomBytes } from "node:crypto";
import type { AppRecord } from "../../../core/apps/app.ts";
import type { Delivery, NotificationRecord } from "../../../core/delivery/notification.ts";
import { type AttemptRecord, attemptId } from "../../../core/ports/attempt-store.ts";
import type { ContactRecord } from "../../../core/ports/contact-store.ts";
import type { DeliveryChange } from "../../../core/ports/notification-store.ts";
import { anyChange } from "../changes.ts";

/** A moment all samples are counted from, in ms since the epoch. */
export const T0 = 1_800_000_000_000;

export const hexId = () => randomBytes(16).toString("hex");

/** A notification accepted at T0 with one SMS delivery per entry of `nextAts`. */
export function sampleNotification(
  nextAts: readonly (number | undefined)[] = [T0],
  over: Partial<NotificationRecord> = {},
): NotificationRecord {
  const id = over.id ?? hexId();
  const deliveries = nextAts.map(
    (nextAt, i): Delivery => ({
      id: `${id}-${i}`,
      channel: "sms",
      endpoint: { channel: "sms", phoneNumber: `+4912345${i}` },
      state: nextAt === undefined ? "suppressed" : "pending",
      attempt: 1,
      publishCount: 0,
      ...(nextAt === undefined ? { reason: { code: "opted-out" }, endedAt: T0 } : { nextAt }),
    }),
  );
  return {
    id,
    app: "shop",
    idempotencyKey: `order-${id}`,
    payloadHash: "00".repeat(32),
    recipient: { kind: "user", userId: "u1" },
    notificationClass: "transactional",
    category: "orders",
    content: { sms: { text: "Your order is on its way" } },
    priority: "normal",
    acceptedAt: T0,
    sendAt: T0,
    expiresAt: T0 + 86_400_000,
    deliveries,
    ...over,
  };
}

/** A change of delivery `index` while it is pending at attempt 1. */
export const sampleChange = (
  record: { id: string },
  index: number,
  set: DeliveryChange["set"],
  { attempt = 1, states = ["pending"], ...others }: Partial<DeliveryChange["expect"]> = {},
): DeliveryChange =>
  anyChange({ notificationId: record.id, deliveryId: `${record.id}-${index}`, expect: { attempt, states, ...others }, set });

/** What recording an accepted attempt sets. */
export const sent = (providerRef: string): DeliveryChange["set"] => ({ state: "sent", providerRef, nextAt: undefined, endedAt: T0 + 5 });

export function sampleAttempt(over: Partial<AttemptRecord> = {}): AttemptRecord {
  const deliveryId = over.deliveryId ?? `${hexId()}-0`;
  const number = over.number ?? 1;
  return {
    id: attemptId(deliveryId, number),
    deliveryId,
    number,
    worker: "worker-a",
    provider: "twilio",
    startedAt: T0,
    deadlineAt: T0 + 10_000,
    ...over,
  };
}

export const sampleContact = (over: Partial<ContactRecord> = {}): ContactRecord => ({
  app: "shop",
  userId: "u1",
  endpointId: hexId(),
  endpoint: { channel: "apns", token: "ab".repeat(32) },
  registeredAt: T0,
  ...over,
});

export const ids = (records: readonly { id: string }[]) => records.map((r) => r.id);
export const byId = <T extends { id: string }>(records: readonly T[]) => [...records].sort((a, b) => (a.id < b.id ? -1 : 1));

/** As it is stored where it was created and never changed. */
export const sampleApp = (over: Partial<AppRecord> = {}): AppRecord => ({
  ...{ id: "shop", channels: ["sms"], limits: {}, keys: [], version: 1 },
  ...over,
});
