import { isObject, type JsonObject, type JsonValue } from "./json.ts";
import { protectedPaths } from "./overrides.ts";

/** What an override of the message may not touch: by whom it is received, what it is known by, how long it is stored. */
export const FCM_PROTECTED = protectedPaths(
  ...["message", "token", "fid", "topic", "condition", "apns.live_activity_token"],
  // The first holds our ids; where the others are there, they replace it.
  ...["data.carillon*", "android.data", "webpush.data"],
  ...["android.collapse_key", "android.ttl", "android.notification.tag?", "webpush.notification.tag?"],
  ...["apns-id", "apns-topic", "apns-collapse-id", "apns-expiration", "authorization"].map((name) => `apns.headers.${name}`),
  ...["TTL", "Topic", "Authorization"].map((name) => `webpush.headers.${name}`),
);

/** Maps whose keys are not FCM's own. */
const FREE: ReadonlySet<string> = new Set([
  ...["data", "android.data", "webpush.data", "webpush.headers", "webpush.notification", "apns.headers", "apns.payload"],
]);

/** A value under the name that the REST API has for it. */
type Renamed = readonly [name: string, value: JsonValue];
const as =
  (name: string) =>
  (value: JsonValue): Renamed => [name, value];

/** Fields that the Admin SDKs name, or write, otherwise than the REST API (Firebase: AndroidNotification of the Admin SDK for Node, and of REST). */
const OF_ADMIN_SDK: ReadonlyMap<string, (value: JsonValue) => Renamed> = new Map([
  ["notification.image_url", as("image")],
  ["apns.fcm_options.image_url", as("image")],
  ["android.notification.image_url", as("image")],
  ["android.notification.event_timestamp", as("event_time")],
  ["android.notification.vibrate_timings_millis", (value: JsonValue): Renamed => ["vibrate_timings", durations(value)]],
  [
    "android.notification.priority",
    (value: JsonValue): Renamed => ["notification_priority", typeof value === "string" ? `PRIORITY_${value.toUpperCase()}` : value],
  ],
  [
    "android.notification.visibility",
    (value: JsonValue): Renamed => ["visibility", typeof value === "string" ? value.toUpperCase() : value],
  ],
]);

/** Milliseconds as Protocol Buffers' text of a duration; what is no list of numbers stays, for FCM to judge. */
function durations(value: JsonValue): JsonValue {
  const isMs = Array.isArray(value) && value.every((item) => typeof item === "number");
  return isMs ? value.map((ms) => `${Number(ms) / 1_000}s`) : value;
}

/**
 * An override in the spelling that we send: FCM reads clickAction and click_action alike (Protocol Buffers: ProtoJSON format), and knows no names of
 * the Admin SDKs.
 */
export const fcmSpelling = (override: JsonObject | undefined): JsonObject | undefined => override && spelled(override, "");

const spelled = (fields: JsonObject, above: string): JsonObject =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]): [string, JsonValue] => {
      const name = key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      const path = above === "" ? name : `${above}.${name}`;
      if (isObject(value) && !FREE.has(path)) return [name, spelled(value, path)];
      const [restName, restValue] = OF_ADMIN_SDK.get(path)?.(value) ?? [name, value];
      return [restName, restValue];
    }),
  );
