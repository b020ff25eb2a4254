import { channelToProto, classToProto, reasonToProto, stateToProto } from "../adapters/wire/convert.ts";
import { type SmsSize, smsSizeOf } from "../core/content/sms-content.ts";
import { countryOf } from "../core/delivery/circuit-scope.ts";
import { maskEndpoint } from "../core/delivery/endpoint.ts";
import type { Copy as CopyOf, Delivery, NotificationRecord } from "../core/delivery/notification.ts";
import { outcomeReason } from "../core/delivery/reason.ts";
import { type AttemptOutcome, type AttemptRecord, attemptId } from "../core/ports/attempt-store.ts";
import {
  type Accepted,
  type AcceptedDelivery,
  Copy,
  type Delivery as DeliveryMessage,
  type GetNotificationResponse,
  SmsForm,
} from "../gen/carillon/v1/notification_service.ts";
import { callError } from "../runtime/call-error.ts";

/** Also the answer for another app's notification: an app must not learn that it exists. */
export const notFound = callError("NOT_FOUND", "NOT_FOUND", "no notification of this app has this id or key");

/** The answer to a send. It depends only on what was known at acceptance, so a repeated key gets the same answer at any later time. */
export function toAccepted(record: NotificationRecord, repeatedKey: boolean): Accepted {
  const smsSize = record.deliveries.some(({ channel }) => channel === "sms") ? sizeOfSms(record) : undefined;
  return {
    notificationId: record.id,
    acceptedAt: new Date(record.acceptedAt),
    deliveries: record.deliveries.map((d) => ({
      deliveryId: d.id,
      channel: channelToProto(d.channel),
      suppressedReason: suppressedOnAcceptance(d, record) ? reasonToProto(d.reason) : undefined,
      ...chargeOf(d, smsSize),
      copy: copyToProto(d.copy),
    })),
    repeatedKey,
  };
}

const sizeOfSms = ({ content, smsSizeApart }: NotificationRecord) => (content.sms ? smsSizeOf(content.sms) : smsSizeApart);

export const SMS_FORM = {
  gsm7: SmsForm.SMS_FORM_GSM7,
  ucs2: SmsForm.SMS_FORM_UCS2,
  mms: SmsForm.SMS_FORM_MMS,
} as const satisfies Record<SmsSize["form"], SmsForm>;

/** What the price of an SMS depends on. */
function chargeOf({ channel, endpoint }: Delivery, size: SmsSize | undefined): Charge {
  return {
    smsSegments: channel === "sms" ? (size?.segments ?? 0) : 0,
    smsForm: channel === "sms" && size ? SMS_FORM[size.form] : SmsForm.SMS_FORM_UNSPECIFIED,
    smsDestination: endpoint?.channel === "sms" ? countryOf(endpoint.phoneNumber) : "",
  };
}
type Charge = Pick<AcceptedDelivery, "smsSegments" | "smsForm" | "smsDestination">;

/** A delivery suppressed after acceptance was published first, even if the clock of its dispatcher was behind the gateway's. */
export const suppressedOnAcceptance = (d: Delivery, { acceptedAt }: NotificationRecord) =>
  d.state === "suppressed" && d.endedAt === acceptedAt && d.publishCount === 0;

/**
 * Attempts of a delivery that GetNotification shows, the newest; the contract names the number. A provider that is away for 28 days is called up to
 * 5,400 times for each of up to 100 endpoints. 20 of each stay below 1 MiB; a client takes 4 MiB unless told otherwise.
 */
export const ATTEMPTS_SHOWN_MAX = 20;

/** What toGetResponse shows of the attempts. */
export const attemptsShown = ({ deliveries }: NotificationRecord): string[] =>
  deliveries.flatMap(({ id, attempt }) => {
    const shown = Math.min(attempt, ATTEMPTS_SHOWN_MAX);
    return Array.from({ length: shown }, (_, i) => attemptId(id, attempt - shown + 1 + i));
  });

export function toGetResponse(record: NotificationRecord, attempts: readonly AttemptRecord[]): GetNotificationResponse {
  const byDelivery = Map.groupBy(attempts, (a) => a.deliveryId);
  return {
    notificationId: record.id,
    idempotencyKey: record.idempotencyKey,
    notificationClass: classToProto(record.notificationClass),
    category: record.category,
    acceptedAt: new Date(record.acceptedAt),
    sendAt: new Date(record.sendAt),
    expiresAt: new Date(record.expiresAt),
    deliveries: record.deliveries.map((d) => toDelivery(d, byDelivery.get(d.id) ?? [])),
    contentDeletedAt: record.contentDeletedAt === undefined ? undefined : new Date(record.contentDeletedAt),
    tags: { ...record.tags },
    cancelKey: record.cancelKey ?? "",
  };
}

function toDelivery(d: Delivery, attempts: readonly AttemptRecord[]): DeliveryMessage {
  // A void attempt made no call; the delivery's state and reason say what it means.
  const calls = attempts.filter((a) => a.outcome?.kind !== "void").sort((a, b) => a.number - b.number);
  return {
    deliveryId: d.id,
    channel: channelToProto(d.channel),
    state: stateToProto(d.state),
    reason: reasonToProto(d.reason),
    copy: copyToProto(d.copy),
    endpointMasked: d.endpoint ? maskEndpoint(d.endpoint) : "",
    endedAt: d.endedAt === undefined ? undefined : new Date(d.endedAt),
    uncertainSince: d.uncertainSince === undefined ? undefined : new Date(d.uncertainSince),
    attempts: calls.map(({ number, provider, startedAt, outcome, answeredAt, resolution, policyResend, redrive }) => ({
      number,
      provider,
      startedAt: new Date(startedAt),
      outcome: outcome?.kind ?? "",
      reason: outcome && outcome.kind !== "void" ? reasonToProto(outcomeReason(outcome)) : undefined,
      providerRef: providerRefOf(outcome) || providerRefOf(resolution?.outcome),
      answeredAt: answeredAt === undefined ? undefined : new Date(answeredAt),
      resolvedOutcome: resolution?.outcome.kind ?? "",
      resolvedBy: resolution?.by ?? "",
      resolvedAt: resolution && new Date(resolution.at),
      policyResend: policyResend ?? false,
      redrive: redrive ?? 0,
    })),
  };
}

const COPIES: Record<CopyOf, Copy> = { cc: Copy.COPY_CC, bcc: Copy.COPY_BCC };
const copyToProto = (copy: CopyOf | undefined): Copy => (copy === undefined ? Copy.COPY_UNSPECIFIED : COPIES[copy]);

const providerRefOf = (outcome: AttemptOutcome | undefined) => (outcome?.kind === "accepted" ? outcome.providerRef : "");
