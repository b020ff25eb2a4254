import type { JsonObject, JsonValue } from "./json.ts";
import { protectedPaths } from "./overrides.ts";

/** What an override of the message may not touch: by whom it is received, what it is known by, how long it is stored. */
export const FCM_PROTECTED = protectedPaths(
  ...["message", "token", "fid", "topic", "condition", "apns.live_activity_token"],
  // The first holds our ids; where the others are there, they replace it.
  ...["data.carillon*", "android.data", "webpush.data"],
  ...["android.collapse_key", "android.ttl", "android.notification.tag", "webpush.notification.tag"],
  ...["apns-id", "apns-topic", "apns-collapse-id", "apns-expiration", "authorization"].map((name) => `apns.headers.${name}`),
  ...["TTL", "Topic", "Authorization"].map((name) => `webpush.headers.${name}`),
);

/** Maps whose keys are not FCM's own. */
const FREE: ReadonlySet<string> = new Set([
  ...["data", "android.data", "webpush.data", "webpush.headers", "webpush.notification", "apns.headers", "apns.payload"],
]);

/** An override in the spelling that we send: FCM reads clickAction and click_action alike (Protocol Buffers: ProtoJSON format). */
export const fcmSpelling = (override: JsonObject | undefined): JsonObject | undefined => override && spelled(override, "");

const spelled = (fields: JsonObject, above: string): JsonObject =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]): [string, JsonValue] => {
      const name = key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      const path = above === "" ? name : `${above}.${name}`;
      const isFields = typeof value === "object" && value !== null && !Array.isArray(value) && !FREE.has(path);
      return [name, isFields ? spelled(value, path) : value];
    }),
  );
