import type { Priority, PushType } from "apns2";
import { apnsPayload } from "../../core/content/push.ts";
import { isSilent, type PushContent } from "../../core/content/push-content.ts";
import type { Priority as CarillonPriority } from "../../core/delivery/channel.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { uuidOf } from "../../runtime/hash.ts";
import { replacementMark } from "../transport/replacement-mark.ts";

/** As apns2 types them, which is all that is used of it here: its client takes more CPU time and keeps fewer pushes under way. */
const PRIORITY: Record<CarillonPriority, `${Priority}`> = { high: "10", normal: "5", low: "1" };
/** A background push of any other priority is an error (Apple: Pushing background updates to your app). */
const SILENT_PRIORITY = PRIORITY.normal;

/** What of a push APNs is told in headers. */
export interface ApnsHeaders {
  /** Our own id for it; APNs repeats it in its answer. */
  "apns-id": string;
  "apns-push-type": PushType;
  "apns-priority": `${Priority}`;
  /** Seconds since the epoch. */
  "apns-expiration": string;
  "apns-collapse-id": string;
}

export interface ApnsPush {
  device: string;
  headers: Readonly<ApnsHeaders>;
  /** JSON. */
  body: string;
}

export function buildApnsPush(delivery: OutboundDelivery, device: string, content: PushContent): ApnsPush {
  const silent = isSilent(content);
  return {
    device,
    headers: {
      "apns-id": uuidOf(delivery.attemptId),
      "apns-push-type": silent ? "background" : "alert",
      "apns-priority": silent ? SILENT_PRIORITY : PRIORITY[delivery.priority],
      "apns-expiration": String(Math.floor(delivery.expiresAt / 1000)),
      "apns-collapse-id": replacementMark(delivery),
    },
    body: JSON.stringify(apnsPayload(content, { delivery: delivery.deliveryId, attempt: delivery.attemptId })),
  };
}
