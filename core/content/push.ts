import type { PushChannel } from "../delivery/channel.ts";
import { isSilent, type PushContent } from "./push-content.ts";

/** Sent with every push, so that the app can recognise a duplicate. */
export interface PushIds {
  delivery: string;
  /** delivery, "/", attempt number. */
  attempt: string;
}

/** What is shown; a field that the caller did not give is absent, because an empty one would be shown as an empty line. */
export interface PushAlert {
  title?: string;
  body?: string;
}

export interface ApnsPayload {
  aps: { alert: PushAlert } | { "content-available": 1 };
  data?: Record<string, string>;
  carillon: PushIds;
}

/** `aps` is Apple's part, `carillon` ours. The caller's data has a key of its own, so that its names cannot collide with either. */
export const apnsPayload = (content: PushContent, ids: PushIds): ApnsPayload => ({
  aps: isSilent(content) ? { "content-available": 1 } : { alert: alertOf(content) },
  ...someData(content),
  carillon: ids,
});

export interface FcmPayload {
  notification?: PushAlert;
  data: Record<string, string>;
}

/**
 * FCM's data is one flat map of strings, so the ids are two keys of it. It has no prototype: firebase-admin copies a plain object without the
 * keys __proto__, constructor and prototype.
 */
export const fcmPayload = (content: PushContent, ids: PushIds): FcmPayload => ({
  ...(isSilent(content) ? {} : { notification: alertOf(content) }),
  data: Object.assign(Object.create(null), content.data, { carillon_delivery: ids.delivery, carillon_attempt: ids.attempt }),
});

export interface WebPushPayload extends PushAlert {
  data?: Record<string, string>;
  carillon: PushIds;
}

/** No standard prescribes what a service worker receives; this format is Carillon's. */
export const webPushPayload = (content: PushContent, ids: PushIds): WebPushPayload => ({
  ...alertOf(content),
  ...someData(content),
  carillon: ids,
});

const alertOf = ({ title, body }: PushContent): PushAlert => ({ ...(title === "" ? {} : { title }), ...(body === "" ? {} : { body }) });
const someData = (content: PushContent) => (Object.keys(content.data).length > 0 ? { data: content.data } : {});

/** The longest ids possible (an index of four digits, an attempt number of six), to check sizes before the ids are known. */
const PUSH_IDS_LONGEST: PushIds = {
  delivery: `${"0".repeat(32)}-9999`,
  attempt: `${"0".repeat(32)}-9999/999999`,
};

/** Bytes that count against the channel's limit in limits.ts: of the JSON for APNs and Web Push, of keys and values for FCM. */
export function pushPayloadBytes(channel: PushChannel, content: PushContent, ids: PushIds = PUSH_IDS_LONGEST): number {
  switch (channel) {
    case "apns":
      return Buffer.byteLength(JSON.stringify(apnsPayload(content, ids)));
    case "webpush":
      return Buffer.byteLength(JSON.stringify(webPushPayload(content, ids)));
    case "fcm":
      return fcmPayloadBytes(fcmPayload(content, ids));
  }
}

/** As pushPayloadBytes counts it. */
export const fcmPayloadBytes = ({ notification, data }: FcmPayload): number => fieldBytes(data) + fieldBytes({ ...notification });

function fieldBytes(fields: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(fields)) bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  return bytes;
}

/** FCM reserves these keys of data (Firebase: REST reference, Message.data), and Carillon those with carillon_. APNs and Web Push reserve none. */
export const isReservedDataKey = (channel: PushChannel, key: string) =>
  channel === "fcm" && /^(from$|message_type$|gcm|google|carillon_)/.test(key);
