import type { Priority, PushType } from "apns2";
import { apnsBody } from "../../core/content/apns-payload.ts";
import { isSilent, type PushContent } from "../../core/content/push-content.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { uuidOf } from "../../runtime/hash.ts";
import { apnsPriority } from "../transport/apns-priority.ts";
import { replacementMark } from "../transport/replacement-mark.ts";
import { apnsExpiration } from "../transport/stored-for.ts";

/** What of a push APNs is told in headers. */
export interface ApnsHeaders {
  /** Our own id for it; APNs repeats it in its answer. */
  "apns-id": string;
  "apns-push-type": PushType;
  "apns-priority": `${Priority}`;
  /** Seconds since the epoch; 0: it is not stored. */
  "apns-expiration": string;
  "apns-collapse-id": string;
}

export interface ApnsPush {
  device: string;
  /** An override's beside ours. */
  headers: Readonly<ApnsHeaders & Record<string, string>>;
  /** JSON. */
  body: string;
}

/** @param about now: ms since the epoch; isDataAtRoot: as the account's application reads it */
export function buildApnsPush(
  delivery: OutboundDelivery,
  device: string,
  content: PushContent,
  { now, isDataAtRoot = false }: { now: number; isDataAtRoot?: boolean },
): ApnsPush {
  const ours: ApnsHeaders = {
    "apns-id": uuidOf(delivery.attemptId),
    "apns-push-type": isSilent(content) ? "background" : "alert",
    "apns-priority": apnsPriority(content, delivery.priority),
    "apns-expiration": apnsExpiration(delivery, now),
    "apns-collapse-id": replacementMark(delivery),
  };
  return {
    device,
    headers: { ...ours, ...content.overrides?.apnsHeaders },
    body: apnsBody(content, { delivery: delivery.deliveryId, attempt: delivery.attemptId }, { isDataAtRoot }),
  };
}

/** What Apple has appended to a bundle id for pushes of other kinds (Apple: Sending notification requests to APNs, "apns-push-type"). */
const TOPIC_SUFFIXES = [
  ".voip",
  ".voip-ptt",
  ".complication",
  ".pushkit.fileprovider",
  ".location-query",
  ".push-type.liveactivity",
  ".push-type.widgets",
  ".push-type.controls",
];

/** Whether an override's topic is the push's own, or that with one of Apple's suffixes: no caller reaches another application. */
export const isTopicOf = (own: string, topic = own): boolean => topic === own || TOPIC_SUFFIXES.some((suffix) => topic === own + suffix);
