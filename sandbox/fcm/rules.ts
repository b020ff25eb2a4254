import { apnsPayload, mergedApnsPayload } from "../kit/aps.ts";
import { inWords, isUrl, mistakesIn, object } from "../kit/fields.ts";
import { type Fields, fieldsOf, textOf } from "../kit/read.ts";
import { actions, NOTIFICATION_RULES, notificationMembers } from "../kit/web-notification.ts";
import type { Violation } from "./fields.ts";

/** Google: "FCM HTTP v1 API, REST Resource: projects.messages", "About FCM messages", "Set the lifespan of a message". */
const PAYLOAD_BYTES_MAX = 4_096;
const TOPIC_PAYLOAD_BYTES_MAX = 2_048;
const TTL_LONGEST_S = 2_419_200;
const LABEL = /^[a-zA-Z0-9-_.~%]{1,50}$/;
const TOPIC = /^[a-zA-Z0-9-_.~%]+$/;

export const TARGETS = ["token", "topic", "condition", "fid"];

/** The first thing that FCM itself rejects in a request that parserViolations accepts. Names are read in both spellings. */
export function messageViolation(body: unknown): Violation | undefined {
  const message = reader(fieldsOf(body)).in("message");
  const [android, webpush, apns] = [message.in("android"), message.in("webpush"), message.in("apns")];
  const at = (field: string, description: string): Violation => ({ field, description });
  const targets = TARGETS.filter((target) => message.of(target) !== undefined);
  if (targets.length !== 1 || textOf(message.of(targets[0] ?? "")) === "")
    return at("message", "Exactly one of token, fid, topic or condition must be specified");
  if (message.of("topic") !== undefined && !TOPIC.test(textOf(message.of("topic")))) return at("message.topic", "Malformed topic name");
  for (const [field, data] of [
    ["message.data", message.of("data")],
    ["message.android.data", android.of("data")],
  ] as const)
    for (const key of Object.keys(fieldsOf(data)))
      if (/^(from$|message_type$|gcm|google)/.test(key)) return at(field, `Invalid data payload key: ${key}`);
  for (const [field, options] of [
    ["", message],
    ["android.", android],
    ["webpush.", webpush],
    ["apns.", apns],
  ] as const) {
    const label = options.in("fcm_options").of("analytics_label");
    if (label !== undefined && !LABEL.test(textOf(label)))
      return at(`message.${field}fcm_options.analytics_label`, "Invalid analytics label");
  }
  return (
    androidViolation(android) ??
    webpushViolation(webpush) ??
    apnsViolation(apns, message.of("notification") !== undefined) ??
    sizeViolation(message, android, apns)
  );
}

function androidViolation(android: Reader): Violation | undefined {
  const at = (field: string, description: string) => ({ field: `message.android.${field}`, description });
  const seconds = Number.parseFloat(textOf(android.of("ttl")) || "0");
  if (seconds < 0 || seconds > TTL_LONGEST_S) return at("ttl", `Invalid ttl: must be a duration from 0s to ${TTL_LONGEST_S}s`);
  const notification = android.in("notification");
  const color = notification.of("color");
  if (color !== undefined && !/^#[0-9a-fA-F]{6}$/.test(textOf(color)))
    return at("notification.color", "Invalid color: must be in the form #RRGGBB");
  if (Number(notification.of("notification_count") ?? 0) < 0) return at("notification.notification_count", "Must not be negative");
  const lights = notification.in("light_settings");
  if (notification.of("light_settings") !== undefined)
    for (const name of ["color", "light_on_duration", "light_off_duration"])
      if (lights.of(name) === undefined) return at(`notification.light_settings.${name}`, `${name} is required`);
  return undefined;
}

const webNotification = object({ ...notificationMembers(), actions: actions(["action", "title"]) }, {}, ...NOTIFICATION_RULES);

function webpushViolation(webpush: Reader): Violation | undefined {
  const at = (field: string, description: string) => ({ field: `message.webpush.${field}`, description });
  const link = webpush.in("fcm_options").of("link");
  if (link !== undefined && !/^https:\/\/[^/\s]/.test(textOf(link))) return at("fcm_options.link", "Invalid link: must be an https URL");
  for (const [name, value] of Object.entries(fieldsOf(webpush.of("headers")))) {
    const pattern = WEBPUSH_HEADERS[name.toLowerCase()];
    if (pattern !== undefined && !pattern.test(textOf(value))) return at("headers", `Invalid ${name} header`);
  }
  const [mistake] = mistakesIn(webNotification, webpush.of("notification") ?? {}, ["notification"]);
  return mistake && at(mistake.path.join("."), inWords(mistake));
}

/** RFC 8030. */
const WEBPUSH_HEADERS: Record<string, RegExp> = {
  ttl: /^\d{1,10}$/,
  urgency: /^(very-low|low|normal|high)$/,
  topic: /^[A-Za-z0-9_-]{1,32}$/,
};

/** Apple: "Sending notification requests to APNs". */
const APNS_HEADERS: Record<string, RegExp> = {
  "apns-priority": /^(1|5|10)$/,
  "apns-expiration": /^\d{1,10}$/,
  "apns-collapse-id": /^.{1,64}$/s,
  "apns-push-type": /^(alert|background|liveactivity)$/,
  "apns-id": /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
};

function apnsViolation(apns: Reader, isNotification: boolean): Violation | undefined {
  const at = (field: string, description: string) => ({ field: `message.apns.${field}`, description });
  const headers = fieldsOf(apns.of("headers"));
  for (const [name, value] of Object.entries(headers)) {
    const pattern = APNS_HEADERS[name.toLowerCase()];
    if (pattern !== undefined && !pattern.test(textOf(value))) return at("headers", `Invalid ${name} header`);
  }
  const image = apns.in("fcm_options").of("image");
  if (image !== undefined && !isUrl.holds(textOf(image))) return at("fcm_options.image", "Invalid image URL");
  const payload = apns.of("payload");
  const pushType = textOf(headers["apns-push-type"]);
  if (pushType === "background" && textOf(headers["apns-priority"]) === "10") return at("headers", "Invalid apns-priority header");
  if (apns.of("live_activity_token") !== undefined && fieldsOf(payload).aps === undefined) return at("payload", "aps is required");
  if (payload === undefined) return undefined;
  const isOwnType = pushType === "background" || pushType === "liveactivity";
  const [mistake] = mistakesIn(isOwnType ? apnsPayload(pushType) : mergedApnsPayload, payload, ["payload"]);
  if (mistake !== undefined) return at(mistake.path.join("."), inWords(mistake));
  // FCM adds the notification's title and body to an aps dictionary; without them, it rejects an empty one (firebase-admin-java#214).
  const { aps } = fieldsOf(payload);
  if (aps !== undefined && !isNotification && Object.keys(fieldsOf(aps)).length === 0)
    return at("payload", "Request contains an invalid argument.");
  return undefined;
}

function sizeViolation(message: Reader, android: Reader, apns: Reader): Violation | undefined {
  const limit = message.of("topic") === undefined && message.of("condition") === undefined ? PAYLOAD_BYTES_MAX : TOPIC_PAYLOAD_BYTES_MAX;
  const parts = [android.of("data") ?? message.of("data"), message.of("notification"), android.of("notification")];
  if (parts.reduce<number>((sum, part) => sum + bytesOf(part), 0) > limit)
    return { field: "message", description: "Android message is too big" };
  if (apns.of("payload") !== undefined && Buffer.byteLength(JSON.stringify(apns.of("payload"))) > PAYLOAD_BYTES_MAX)
    return { field: "message.apns.payload", description: "APNs payload is too big" };
  return undefined;
}

/** Keys and values, as FCM counts them. */
const bytesOf = (part: unknown) =>
  Object.entries(fieldsOf(part)).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(typeof value === "string" ? value : JSON.stringify(value)),
    0,
  );

/** Reads fields by their name in the .proto file, however they are spelled. */
interface Reader {
  /** undefined where absent or null. */
  of(name: string): unknown;
  in(name: string): Reader;
}

function reader(fields: Fields): Reader {
  const of = (name: string) => fields[name] ?? fields[name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())] ?? undefined;
  return { of, in: (name) => reader(fieldsOf(of(name))) };
}
