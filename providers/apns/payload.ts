import type { Priority, PushType } from "apns2";
import { apnsBody } from "../../core/content/apns-payload.ts";
import { apnsKindOf, type PushContent, type PushKind, pushKind } from "../../core/content/push-content.ts";
import type { ApnsKind } from "../../core/delivery/endpoint.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { uuidOf } from "../../runtime/hash.ts";
import { apnsPriority } from "../transport/apns-priority.ts";
import { replacementMark } from "../transport/replacement-mark.ts";
import { apnsExpiration } from "../transport/stored-for.ts";

/** The fields of a push that are headers for APNs. */
export interface ApnsHeaders {
  /** Our own id for it; APNs repeats it in its answer. */
  "apns-id": string;
  "apns-push-type": PushType;
  "apns-priority": `${Priority}`;
  /** Seconds since the epoch; 0: it is not stored. */
  "apns-expiration": string;
  /** A VoIP push and a Live Activity's have none: nothing waits to be replaced, and a Live Activity's content has a time. */
  "apns-collapse-id"?: string;
}

export interface ApnsPush {
  device: string;
  /** An override's beside ours. */
  headers: Readonly<ApnsHeaders & Record<string, string>>;
  /** JSON. */
  body: string;
}

const PUSH_TYPE: Readonly<Record<PushKind, PushType>> = {
  shown: "alert",
  badge: "alert",
  background: "background",
  voip: "voip",
  "live-activity": "liveactivity",
};

/** Delivered now or never: a call that nobody waits for any more must not ring. */
const NOT_STORED = "0";

/** What Apple has appended to the bundle id for tokens of each kind. */
const KIND_SUFFIX: Readonly<Record<ApnsKind, string>> = {
  voip: ".voip",
  "live-activity": ".push-type.liveactivity",
  "live-activity-start": ".push-type.liveactivity",
};
export const topicOf = (application: string, kind: ApnsKind | undefined): string =>
  kind === undefined ? application : application + KIND_SUFFIX[kind];

/** @param about now: ms since the epoch; isDataAtRoot: as the account's application reads it */
export function buildApnsPush(
  delivery: OutboundDelivery,
  device: string,
  content: PushContent,
  { now, isDataAtRoot = false }: { now: number; isDataAtRoot?: boolean },
): ApnsPush {
  const ours: ApnsHeaders = {
    "apns-id": uuidOf(delivery.attemptId),
    "apns-push-type": PUSH_TYPE[pushKind(content)],
    "apns-priority": apnsPriority(content, delivery.priority),
    "apns-expiration": content.voip ? NOT_STORED : apnsExpiration(delivery, now),
    ...(apnsKindOf(content) === undefined ? { "apns-collapse-id": replacementMark(delivery) } : {}),
  };
  return {
    device,
    headers: { ...ours, ...content.overrides?.apnsHeaders },
    body: apnsBody(content, { delivery: delivery.deliveryId, attempt: delivery.attemptId }, { isDataAtRoot }),
  };
}

/** What Apple has appended to a bundle id for pushes of kinds that are only an override's (Apple: Sending notification requests to APNs, "apns-push-type"). */
const TOPIC_SUFFIXES = [
  ".voip-ptt",
  ".complication",
  ".pushkit.fileprovider",
  ".location-query",
  ".push-type.widgets",
  ".push-type.controls",
];

/** Whether an override's topic is the push's own, or that with one of Apple's suffixes: no caller reaches another application. */
export const isTopicOf = (own: string, topic = own): boolean => topic === own || TOPIC_SUFFIXES.some((suffix) => topic === own + suffix);
