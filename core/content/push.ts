import type { PushChannel } from "../delivery/channel.ts";
import { leastApnsBody } from "./apns-payload.ts";
import { type FcmEnvelope, leastFcmMessage } from "./fcm-message.ts";
import { APNS_COLLAPSE_ID_BYTES_MAX } from "./limits.ts";
import { type PushContent, withTimestamp } from "./push-content.ts";
import type { PushIds } from "./push-fields.ts";
import { leastWebPushPlaintext } from "./webpush-payload.ts";

/** The longest ids possible (an index of four digits, an attempt number of six), to check sizes before the ids are known. */
const PUSH_IDS_LONGEST: PushIds = {
  delivery: `${"0".repeat(32)}-9999`,
  attempt: `${"0".repeat(32)}-9999/999999`,
};
/** Until the year 2286 a time in seconds has ten digits. A Live Activity's is not known before its acceptance. */
const TIMESTAMP_LONGEST_MS = 9_999_999_999_000;
const MARK_LONGEST = "m".repeat(APNS_COLLAPSE_ID_BYTES_MAX);

/** Of what it says only the ids and the mark count. */
export const fcmEnvelopeOf = (ids: PushIds = PUSH_IDS_LONGEST): FcmEnvelope => ({
  ...{ ids, mark: MARK_LONGEST, token: "", isInstallation: false, topic: "", isCollapsed: false, priority: "normal" },
  ...{ ttlSeconds: 0, apnsExpiration: "0", apnsPriority: "5", urgency: "normal" },
});

/**
 * Bytes that count against the channel's limit in limits.ts, overrides included: of the JSON for APNs and Web Push, of keys and values for FCM. What
 * is left out where it has no room does not count.
 */
export function pushPayloadBytes(channel: PushChannel, content: PushContent, ids: PushIds = PUSH_IDS_LONGEST): number {
  switch (channel) {
    case "apns":
      return Buffer.byteLength(leastApnsBody(withTimestamp(content, TIMESTAMP_LONGEST_MS), ids));
    case "webpush":
      return Buffer.byteLength(leastWebPushPlaintext(content, { ids, mark: MARK_LONGEST, origin: undefined }));
    case "fcm":
      return leastFcmMessage(content, fcmEnvelopeOf(ids)).bytes;
  }
}

/** FCM reserves these keys of data (Firebase: REST reference, Message.data), and Carillon those with carillon_. APNs and Web Push reserve none. */
export const isReservedDataKey = (channel: PushChannel, key: string) =>
  channel === "fcm" && /^(from$|message_type$|gcm|google|carillon_)/.test(key);
