import type { Priority } from "../delivery/channel.ts";
import { apsOf, ownKeysOf } from "./apns-payload.ts";
import { FCM_PROTECTED, fcmSpelling } from "./fcm-override.ts";
import { isObject, type JsonObject, type JsonValue } from "./json.ts";
import { FCM_PAYLOAD_BYTES_MAX } from "./limits.ts";
import { withOverride } from "./overrides.ts";
import { type InterruptionLevel, type LocalizedText, type PushContent, pushKind } from "./push-content.ts";
import {
  actionsOf,
  bodyWithSubtitle,
  dataOf,
  drawableOf,
  firstFitting,
  given,
  isHttpsUrl,
  type PushIds,
  webActionsOf,
  webIconOf,
} from "./push-fields.ts";

/** What a message says besides its content. */
export interface FcmEnvelope {
  token: string;
  /** The token is a Firebase installation id. */
  isInstallation: boolean;
  ids: PushIds;
  /** A later push with the same one replaces this one on the device. */
  mark: string;
  /** The mark as Web Push takes it. */
  topic: string;
  /** The mark is the caller's own key, not the delivery's id. */
  isCollapsed: boolean;
  priority: Priority;
  /** Whole seconds. */
  ttlSeconds: number;
  /** The apns-expiration of the same time. */
  apnsExpiration: string;
  apnsPriority: string;
  urgency: string;
}

export interface FcmMessage {
  message: JsonObject;
  /** Those that count against FCM's limit. */
  bytes: number;
}

/** The parts that are left out where there is no room for them. */
interface Extras {
  /** Which of our own keys iPhones get beside aps, as APNs' own payload has them; FCM puts data alone beside aps by itself. */
  appleKeys: "all" | "without data" | "none";
  hasDefaultSound: boolean;
  hasTag: boolean;
}

/**
 * A message of FCM's HTTP v1 API: one content for Android, for iPhones and for browsers, because nobody knows which of them a token is (Firebase: REST
 * reference, Message). Where something is not shown, it has no notification block and no tag, which would be shown.
 */
export const fcmMessage = (content: PushContent, envelope: FcmEnvelope): FcmMessage =>
  firstFitting(
    [
      () => counted(messageWith(content, envelope, { appleKeys: "all", hasDefaultSound: true, hasTag: true })),
      () => counted(messageWith(content, envelope, { appleKeys: "without data", hasDefaultSound: true, hasTag: true })),
      () => counted(messageWith(content, envelope, { appleKeys: "none", hasDefaultSound: true, hasTag: true })),
      () => counted(messageWith(content, envelope, { appleKeys: "none", hasDefaultSound: false, hasTag: true })),
      () => leastFcmMessage(content, envelope),
    ],
    ({ bytes }) => bytes <= FCM_PAYLOAD_BYTES_MAX,
  );

/** The message without the default sound and the tags, which the caller did not ask for, and without what it holds twice. */
export const leastFcmMessage = (content: PushContent, envelope: FcmEnvelope): FcmMessage =>
  counted(messageWith(content, envelope, { appleKeys: "none", hasDefaultSound: false, hasTag: false }));

const counted = (message: JsonObject): FcmMessage => ({ message, bytes: fcmBytes(message) });

/** Whether a second copy replaces the first one on Android: it is shown, and its tag has room. */
export const isTagged = (message: JsonObject): boolean => fieldsAt(message, "android", "notification").tag !== undefined;

/**
 * Bytes that count against FCM's limit: keys and values of data and of what is shown (Firebase: About FCM messages), on the platform where they are
 * most.
 */
function fcmBytes(message: JsonObject): number {
  const notification = fieldsAt(message, "notification");
  const platforms = [
    { ...notification, ...fieldsAt(message, "android", "notification") },
    { ...notification, ...fieldsAt(message, "webpush", "notification") },
    fieldsAt(message, "apns", "payload"),
  ];
  return leafBytes(fieldsAt(message, "data")) + Math.max(...platforms.map(leafBytes));
}

function messageWith(content: PushContent, envelope: FcmEnvelope, extras: Extras): JsonObject {
  const isShown = pushKind(content) === "shown";
  const message = given({
    [envelope.isInstallation ? "fid" : "token"]: envelope.token,
    notification: isShown ? given({ title: content.title, body: bodyWithSubtitle(content), image: content.imageUrl }) : undefined,
    data: { ...dataStrings(content), carillon_delivery: envelope.ids.delivery, carillon_attempt: envelope.ids.attempt },
    android: androidOf(content, envelope, extras),
    apns: apnsOf(content, envelope, extras),
    webpush: webPushOf(content, envelope, extras),
  });
  return withoutUnshown(withOverride(message, fcmSpelling(content.overrides?.fcm), FCM_PROTECTED));
}

function androidOf(content: PushContent, { mark, isCollapsed, priority, ttlSeconds }: FcmEnvelope, extras: Extras): JsonObject {
  const level = content.interruptionLevel;
  const isUrgent = priority === "high" || level === "time-sensitive" || level === "critical";
  return given({
    ...{ priority: isUrgent ? "high" : "normal", ttl: `${ttlSeconds}s` },
    // FCM stores four different collapse keys a device and throttles pushes that have one: set for the caller's key only, never for our own.
    collapse_key: isCollapsed ? mark : undefined,
    notification: pushKind(content) === "shown" ? androidNotification(content, mark, extras) : undefined,
  });
}

const NOTIFICATION_PRIORITY: Readonly<Record<InterruptionLevel, string>> = {
  passive: "PRIORITY_LOW",
  active: "PRIORITY_DEFAULT",
  "time-sensitive": "PRIORITY_HIGH",
  critical: "PRIORITY_MAX",
};

function androidNotification(content: PushContent, mark: string, { hasDefaultSound, hasTag }: Extras): JsonObject {
  const { sound, interruptionLevel } = content;
  return given({
    ...{ tag: hasTag ? mark : undefined, icon: drawableOf(content), channel_id: content.androidChannel },
    click_action: content.actionCategory,
    // From Android 8 on the channel decides what is heard.
    ...{ sound: sound === "none" ? undefined : sound, default_sound: sound === undefined && hasDefaultSound },
    // 0 has another meaning there: count one more.
    notification_count: content.badge || undefined,
    notification_priority: interruptionLevel && NOTIFICATION_PRIORITY[interruptionLevel],
    ...localized("title", content.titleLocalized),
    ...localized("body", content.bodyLocalized),
  });
}

const localized = (name: string, text: LocalizedText | undefined): JsonObject =>
  text === undefined ? {} : given({ [`${name}_loc_key`]: text.key, [`${name}_loc_args`]: text.args });

function apnsOf(content: PushContent, { mark, apnsExpiration, apnsPriority }: FcmEnvelope, extras: Extras): JsonObject {
  const isSilent = pushKind(content) === "background";
  const headers = {
    ...{ "apns-collapse-id": mark, "apns-push-type": isSilent ? "background" : "alert" },
    ...{ "apns-priority": apnsPriority, "apns-expiration": apnsExpiration },
  };
  const { appleKeys, hasDefaultSound } = extras;
  const { data, ...others } = ownKeysOf(content);
  const own = { all: given({ ...others, data }), "without data": given(others), none: {} }[appleKeys];
  return { headers, payload: { aps: apsOf(content, hasDefaultSound), ...own } };
}

function webPushOf(content: PushContent, { mark, topic, ttlSeconds, urgency }: FcmEnvelope, { hasTag }: Extras): JsonObject {
  const headers = { Topic: topic, TTL: String(ttlSeconds), Urgency: urgency };
  if (pushKind(content) !== "shown") return { headers };
  const { dir, lang, sound, clickUrl } = content;
  return given({
    headers,
    notification: given({
      ...{ tag: hasTag ? mark : undefined, icon: webIconOf(content), actions: webActionsOf(content) },
      ...{ dir, lang, silent: sound === "none" },
    }),
    // FCM takes no path.
    fcm_options: given({ link: clickUrl !== undefined && isHttpsUrl(clickUrl) ? clickUrl : undefined }),
  });
}

/**
 * Data are a flat map of strings: a text as it is, any other value as JSON. What FCM has no field for travels here under keys of ours; a badge only
 * where nothing is shown, because no message that shows nothing can set it.
 */
function dataStrings(content: PushContent): JsonObject {
  const { clickUrl, thread, badge } = content;
  const actions = actionsOf(content);
  const texts = Object.entries(dataOf(content)).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]);
  return {
    ...Object.fromEntries(texts),
    ...given({ url: clickUrl, thread, actions: actions.length > 0 ? JSON.stringify(actions) : undefined }),
    ...given({ badge: pushKind(content) === "badge" && badge !== undefined ? String(badge) : undefined }),
  };
}

/** The keys of data that dataStrings() uses itself, and the field each is for. */
export const fcmOwnKeys = (content: PushContent): ReadonlyMap<string, string> =>
  new Map([
    ...(content.clickUrl === undefined ? [] : ([["url", "click_url"]] as const)),
    ...(content.thread === undefined ? [] : ([["thread", "thread"]] as const)),
    ...(content.actions === undefined ? [] : ([["actions", "actions"]] as const)),
    ...(pushKind(content) === "badge" ? ([["badge", "badge"]] as const) : []),
  ]);

/** The message without the blocks of platforms that would show no text: they would show an empty notification. */
function withoutUnshown(message: JsonObject): JsonObject {
  const texts = fieldsOf(message.notification);
  const isShown = (block: JsonObject) => TEXTS.some((name) => (block[name] ?? texts[name]) !== undefined);
  const shown = { ...message };
  for (const platform of ["android", "webpush"]) {
    const { notification, ...others } = fieldsOf(message[platform]);
    if (notification !== undefined && !isShown(fieldsOf(notification))) shown[platform] = others;
  }
  return shown;
}

const TEXTS = ["title", "body", "title_loc_key", "body_loc_key"] as const;

const fieldsOf = (value: JsonValue | undefined): JsonObject => (isObject(value) ? value : {});
const fieldsAt = (message: JsonObject, ...path: string[]): JsonObject => path.reduce((fields, name) => fieldsOf(fields[name]), message);

/** Values, and the keys that they have; a key that holds others counts for what is in it. */
function leafBytes(value: JsonValue): number {
  if (typeof value !== "object" || value === null) return Buffer.byteLength(String(value));
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + leafBytes(item), 0);
  let bytes = 0;
  for (const key in value) bytes += leafBytes(value[key]!) + (isObject(value[key]) ? 0 : Buffer.byteLength(key));
  return bytes;
}
