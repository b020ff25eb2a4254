import { channelFromProto, classFromProto, stateFromProto } from "../../adapters/wire/convert.ts";
import type { DeliveryState, GetNotificationResponse } from "../../gen/carillon/v1/notification_service.ts";

/** A notification as people read it: words for numbers, nothing empty. */
export function toJson(response: GetNotificationResponse): object {
  return {
    notificationId: response.notificationId,
    key: response.idempotencyKey,
    class: classFromProto(response.notificationClass),
    category: response.category,
    acceptedAt: response.acceptedAt,
    sendAt: response.sendAt,
    expiresAt: response.expiresAt,
    deliveries: response.deliveries.map((d) => ({
      id: d.deliveryId,
      channel: channelFromProto(d.channel),
      state: stateFromProto(d.state satisfies DeliveryState),
      reason: d.reason || undefined,
      endpoint: d.endpointMasked || undefined,
      endedAt: d.endedAt,
      uncertainSince: d.uncertainSince,
      attempts: d.attempts.map((a) => ({
        number: a.number,
        provider: a.provider,
        startedAt: a.startedAt,
        outcome: a.outcome || "under way",
        reason: a.reason || undefined,
        providerRef: a.providerRef || undefined,
        answeredAt: a.answeredAt,
        resolved: a.resolvedBy ? { outcome: a.resolvedOutcome, by: a.resolvedBy, at: a.resolvedAt } : undefined,
        policyResend: a.policyResend || undefined,
        redrive: a.redrive || undefined,
      })),
    })),
  };
}
