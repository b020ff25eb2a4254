import type { AttemptOutcome, AttemptRecord } from "../ports/attempt-store.ts";
import { withoutContent } from "./content-deletion.ts";
import type { Delivery, NotificationRecord, Recipient } from "./notification.ts";
import { type Outcome, reasonOf } from "./outcome.ts";
import { reason } from "./reason.ts";

/** In the place of a recipient who was erased. */
const ERASED_RECIPIENT: Recipient = { kind: "user", userId: "" };

export const isErased = ({ recipient }: Pick<NotificationRecord, "recipient">) => recipient.kind === "user" && recipient.userId === "";

/**
 * A notification that has ended, without what it conveys and without whom it was for. Its id, states and attempts stay for as long as those of others: a copy of
 * its task may come back for 35 days, and must not be sent then. What the caller or a provider wrote freely goes too, because it may name the person.
 */
export function erasedNotification(record: NotificationRecord, now: number): NotificationRecord {
  const bare = withoutContent(record, record.contentDeletedAt ?? now);
  const { collapseKey: _collapseKey, traceparent: _traceparent, tags: _tags, cancelKey: _cancelKey, ...rest } = bare;
  const smsSize = record.smsSizeApart ?? rest.smsSizeApart;
  return {
    ...rest,
    ...(smsSize && { smsSizeApart: smsSize }),
    idempotencyKey: "",
    recipient: ERASED_RECIPIENT,
    deliveries: record.deliveries.map(erasedDelivery),
  };
}

function erasedDelivery({ endpoint: _endpoint, endpointId: _endpointId, providerRef: _providerRef, ...delivery }: Delivery): Delivery {
  return delivery.reason ? { ...delivery, reason: reason(delivery.reason.code) } : delivery;
}

/** An attempt without the provider's reference and words. */
export function erasedAttempt(attempt: AttemptRecord): AttemptRecord {
  const { outcome, resolution } = attempt;
  return {
    ...attempt,
    ...(outcome && { outcome: erasedOutcome(outcome) }),
    ...(resolution && { resolution: { ...resolution, outcome: erasedOutcome(resolution.outcome) as Outcome } }),
  };
}

function erasedOutcome(outcome: AttemptOutcome): AttemptOutcome {
  switch (outcome.kind) {
    case "void":
      return { ...outcome, reason: reason(outcome.reason.code) };
    case "accepted":
      return { kind: "accepted", providerRef: "" };
    case "unavailable":
    case "unanswered":
      return { ...outcome, fault: { code: outcome.fault.code } };
    default:
      return { ...outcome, reason: codeOf(reasonOf(outcome)) };
  }
}

/** A code as providers have them, such as BadDeviceToken or 550; a sentence may quote an address. */
const codeOf = (text: string | undefined) => (text !== undefined && /^[A-Za-z0-9_.-]{1,40}$/.test(text) ? text : "");
