import { type Channel, isPush, type PushChannel } from "../delivery/channel.ts";
import { APNS_PROTECTED, apnsBytesMax } from "./apns-payload.ts";
import { type ContentFault, showsSomething } from "./codec.ts";
import { fcmOwnKeys } from "./fcm-message.ts";
import { FCM_PROTECTED, fcmSpelling } from "./fcm-override.ts";
import { clickUrlFaults, httpsFaults, iconFaults, jsonFaults, lineFaults, overrideFaults } from "./field-checks.ts";
import { jsonBytes } from "./json.ts";
import { PUSH_PAYLOAD_BYTES_MAX } from "./limits.ts";
import { insteadOf, refusalOf } from "./override-hints.ts";
import { protectedFaults } from "./overrides.ts";
import { isReservedDataKey, pushPayloadBytes } from "./push.ts";
import { apnsKindOf, pushField as at, type PushContent, pushKind, SHOWN_ONLY_FIELDS } from "./push-content.ts";
import { kindFaults } from "./push-kind-faults.ts";
import { WEBPUSH_PROTECTED, webPushLacks } from "./webpush-payload.ts";

/**
 * Bytes of JSON of a whole push content. It is stored even if no channel of the notification uses it, so it needs a bound; three payloads of 4 KiB
 * and their overrides stay below it.
 */
export const PUSH_CONTENT_BYTES_MAX = 32_768;
/**
 * Bytes of JSON of a content whose payloads are below every limit, so that they need not be built to be counted: none is larger than twice the content
 * and 1,500 bytes of names, ids and marks. Counting takes 8 us for a push of title, body and data on all three channels.
 */
const SMALL_CONTENT_BYTES = 1_200;
/** What an override may say in headers (Apple: Sending notification requests to APNs). Whether a topic is the account's, its provider checks. */
const APNS_HEADER_RULES: ReadonlyMap<string, readonly [form: RegExp, rule: string]> = new Map([
  ["apns-topic", [/^[A-Za-z0-9.-]{1,255}$/, "the topic of the account, or that with a suffix such as .complication"]],
  [
    "apns-push-type",
    [
      /^(alert|background|complication|controls|fileprovider|location|mdm|pushtotalk|widgets)$/,
      "one of Apple's push types, but voip and liveactivity: content.push.voip and live_activity make such pushes",
    ],
  ],
  ["apns-priority", [/^(1|5|10)$/, "1, 5 or 10"]],
]);

const LINES = ["sound", "thread", "actionCategory", "androidChannel"] as const satisfies (keyof PushContent)[];

/** What the .proto rules cannot express. @param channels those the notification is for */
export function pushFaults(content: PushContent, channels: readonly Channel[]): ContentFault[] {
  const bytes = jsonBytes(content);
  if (bytes > PUSH_CONTENT_BYTES_MAX)
    return [{ field: "content.push", rule: "push.bytes", message: `has ${bytes} bytes of JSON; at most ${PUSH_CONTENT_BYTES_MAX}` }];
  const pushChannels = channels.filter(isPush);
  return [
    ...blankFaults(content),
    ...unshownFaults(content),
    ...kindFaults(content, pushChannels),
    ...webPushFaults(content, pushChannels),
    ...keyFaults(content, pushChannels),
    ...urlFaults(content),
    ...LINES.flatMap((name) => lineFaults(at(name), content[name])),
    ...jsonFaults(at("dataJson"), content.dataJson),
    ...overridesFaults(content),
    ...(bytes > SMALL_CONTENT_BYTES ? sizeFaults(content, pushChannels) : []),
  ];
}

function blankFaults(content: PushContent): ContentFault[] {
  const { title, body, titleLocalized, bodyLocalized } = content;
  if (pushKind(content) === "background" && !content.background && Object.keys(content.data).length === 0 && content.dataJson === undefined)
    return [
      {
        field: at("dataJson"),
        rule: "push.empty",
        message: "is empty, and so is the rest: give title, body, badge or data, or background",
      },
    ];
  if (pushKind(content) !== "shown" || titleLocalized || bodyLocalized || showsSomething(title) || showsSomething(body)) return [];
  return [{ field: "content.push", rule: "push.blank", message: "has nothing to see in title and body; leave both out for data alone" }];
}

/** A field without effect is a mistake that nobody would notice. */
function unshownFaults(content: PushContent): ContentFault[] {
  const kind = pushKind(content);
  // What a VoIP push says, its application reads; of a Live Activity, kindFaults() judges.
  if (kind === "shown" || kind === "voip" || kind === "live-activity") return [];
  const fields = SHOWN_ONLY_FIELDS.filter((name) => content[name] !== undefined);
  const silent = kind === "background" && content.sound !== undefined ? (["sound"] as const) : [];
  const message = "has no effect, because nothing is shown: give title or body, or leave it out";
  return [...fields, ...silent].map((name) => ({ field: at(name), rule: "push.unshown", message }));
}

/** Browsers demand that every push shows something, and know no texts of the application. */
function webPushFaults(content: PushContent, channels: readonly PushChannel[]): ContentFault[] {
  // What is for a kind of APNs token alone is told as such.
  if (apnsKindOf(content) !== undefined || channels.length === 0 || channels.some((channel) => channel !== "webpush")) return [];
  switch (webPushLacks(content)) {
    case "unshown": {
      const field = content.background ? at("background") : "content.push";
      const message = "shows nothing, which is not possible on webpush: browsers require a notification, so give title or body";
      return [{ field, rule: "webpush.unshown", message }];
    }
    case "localized":
      return [{ field: "content.push", rule: "webpush.localized", message: "needs title or body on webpush: it knows no localized texts" }];
    case undefined:
      return [];
  }
}

/** Characters of a key that an error shows. */
const KEY_CHARS_SHOWN = 64;
const named = (key: string) => `the key ${JSON.stringify(key.slice(0, KEY_CHARS_SHOWN))}`;

function keyFaults(content: PushContent, channels: readonly PushChannel[]): ContentFault[] {
  const { data, dataJson = {} } = content;
  const own = channels.includes("fcm") ? fcmOwnKeys(content) : undefined;
  const reserved = (field: string, key: string): ContentFault[] => {
    const fault = (message: string): ContentFault => ({ field, rule: "data.reserved", message });
    const reserving = channels.find((channel) => isReservedDataKey(channel, key));
    return [
      ...(key.startsWith("carillon") ? [fault(`has ${named(key)}: keys beginning with "carillon" are reserved`)] : []),
      ...(reserving ? [fault(`has ${named(key)}, which ${reserving} reserves`)] : []),
      ...(own?.has(key) ? [fault(`has ${named(key)}, under which fcm carries ${own.get(key)}`)] : []),
    ];
  };
  const keys = Object.keys(dataJson);
  const field = at("dataJson");
  return [
    ...Object.keys(data).flatMap((key) => reserved("content.push.data", key)),
    ...keys.flatMap((key) => reserved(field, key)),
    ...(keys.includes("") ? [{ field, rule: "data.key", message: "must have no empty key" }] : []),
    ...keys
      .filter((key) => Object.hasOwn(data, key))
      .slice(0, 1)
      .map((key) => ({ field, rule: "data.twice", message: `has ${named(key)}, which data has too` })),
  ];
}

const urlFaults = ({ imageUrl, clickUrl, icon, actions = [] }: PushContent): ContentFault[] => [
  ...httpsFaults(at("imageUrl"), imageUrl),
  ...clickUrlFaults(at("clickUrl"), clickUrl),
  ...iconFaults(at("icon"), icon),
  ...actions.flatMap((action, i) => [
    ...lineFaults(`content.push.actions[${i}].id`, action.id),
    ...httpsFaults(`content.push.actions[${i}].icon_url`, action.iconUrl),
    ...clickUrlFaults(`content.push.actions[${i}].click_url`, action.clickUrl),
  ]),
  ...(new Set(actions.map(({ id }) => id)).size < actions.length
    ? [{ field: "content.push.actions", rule: "actions.twice", message: "must have a different id for each" }]
    : []),
];

function overridesFaults({ overrides = {} }: PushContent): ContentFault[] {
  const { apnsHeaders = {}, ...json } = overrides;
  const field = "content.push.overrides.apns_headers";
  return [
    ...overrideFaults("content.push.overrides", json),
    ...protectedFaults("content.push.overrides.apns", json.apns, APNS_PROTECTED, refusalOf),
    ...protectedFaults("content.push.overrides.fcm", fcmSpelling(json.fcm), FCM_PROTECTED, refusalOf),
    ...protectedFaults("content.push.overrides.webpush", json.webpush, WEBPUSH_PROTECTED, refusalOf),
    ...Object.entries(apnsHeaders).flatMap(([name, value]): ContentFault[] => {
      const [form, rule] = APNS_HEADER_RULES.get(name) ?? [];
      if (form === undefined) {
        const message = `is refused: only ${[...APNS_HEADER_RULES.keys()].join(", ")} may be overridden`;
        return [{ field: `${field}.${name}`, rule: "override.protected", message: [message, insteadOf(name)].filter(Boolean).join("; ") }];
      }
      return form.test(value) ? [] : [{ field: `${field}.${name}`, rule: "header.value", message: `must be ${rule}` }];
    }),
  ];
}

/** @param channels those whose limits count; without any, FCM's stands for them */
function sizeFaults(content: PushContent, channels: readonly PushChannel[]): ContentFault[] {
  const unnamed: PushChannel = apnsKindOf(content) === undefined ? "fcm" : "apns";
  const counted = channels.length > 0 ? channels : [unnamed];
  return counted.flatMap((channel) => {
    const bytes = pushPayloadBytes(channel, content);
    const max = channel === "apns" ? apnsBytesMax(content) : PUSH_PAYLOAD_BYTES_MAX[channel];
    const message = `makes a payload of ${bytes} bytes; ${channel} carries ${max}`;
    return bytes > max ? [{ field: "content.push", rule: `${channel}.bytes`, message }] : [];
  });
}
