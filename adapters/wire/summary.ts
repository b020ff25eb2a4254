import { maskEndpoint } from "../../core/delivery/endpoint.ts";
import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import { type WaitingFor as Wait, waitingFor } from "../../core/delivery/waiting.ts";
import { type DeliverySummary, type NotificationSummary, WaitingFor } from "../../gen/carillon/v1/notification_service.ts";
import { channelToProto, classToProto, inverse, reasonToProto, stateToProto } from "./convert.ts";

const WAITING = {
  "send-at": WaitingFor.WAITING_FOR_SEND_AT,
  queue: WaitingFor.WAITING_FOR_QUEUE,
  retry: WaitingFor.WAITING_FOR_RETRY,
  settings: WaitingFor.WAITING_FOR_SETTINGS,
  "quiet-hours": WaitingFor.WAITING_FOR_QUIET_HOURS,
  cap: WaitingFor.WAITING_FOR_CAP,
  outcome: WaitingFor.WAITING_FOR_OUTCOME,
  paused: WaitingFor.WAITING_FOR_PAUSED,
} as const satisfies Record<Wait, WaitingFor>;

export const waitingFromProto = inverse(WAITING);
export const waitingToProto = (wait: Wait): WaitingFor => WAITING[wait];

/** What a search shows of a notification: no content, and endpoints masked. */
export function toSummary(n: NotificationRecord, now: number): NotificationSummary {
  const { id, idempotencyKey, notificationClass, category, acceptedAt, recipient, tags, cancelKey = "", deliveries } = n;
  return {
    ...{ notificationId: id, idempotencyKey, category, cancelKey },
    notificationClass: classToProto(notificationClass),
    acceptedAt: new Date(acceptedAt),
    userId: recipient.kind === "user" ? recipient.userId : "",
    tags: { ...tags },
    deliveries: deliveries.map((d) => toDeliverySummary(n, d, now)),
  };
}

function toDeliverySummary(n: NotificationRecord, d: Delivery, now: number): DeliverySummary {
  const wait = waitingFor(n, d, now);
  return {
    deliveryId: d.id,
    channel: channelToProto(d.channel),
    state: stateToProto(d.state),
    reason: reasonToProto(d.reason),
    endpointMasked: d.endpoint ? maskEndpoint(d.endpoint) : "",
    attempt: d.attempt,
    nextAt: d.nextAt === undefined ? undefined : new Date(d.nextAt),
    endedAt: d.endedAt === undefined ? undefined : new Date(d.endedAt),
    waitingFor: wait ? waitingToProto(wait) : WaitingFor.WAITING_FOR_UNSPECIFIED,
    providerRef: d.providerRef ?? "",
  };
}
