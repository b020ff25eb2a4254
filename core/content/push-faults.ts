import { type Channel, isPush, type PushChannel } from "../delivery/channel.ts";
import { type ContentFault, showsSomething } from "./codec.ts";
import { clickUrlFaults, httpsFaults, iconFaults, jsonFaults, lineFaults, overrideFaults } from "./field-checks.ts";
import { jsonBytes } from "./json.ts";
import { PUSH_PAYLOAD_BYTES_MAX } from "./limits.ts";
import { isReservedDataKey, pushPayloadBytes } from "./push.ts";
import { type PushContent, pushKind, SHOWN_ONLY_FIELDS } from "./push-content.ts";

/**
 * Bytes of JSON of a whole push content. It is stored even if no channel of the notification uses it, so it needs a bound; three payloads of 4 KiB
 * and their overrides stay below it.
 */
export const PUSH_CONTENT_BYTES_MAX = 32_768;
/** Headers of APNs that carry our ids, and the expiry. */
const OWN_APNS_HEADERS: ReadonlySet<string> = new Set(["apns-id", "apns-collapse-id", "apns-expiration"]);
/** Printable ASCII. Characters; the longest that Apple documents is a topic, a bundle id with a suffix. */
const APNS_HEADER_VALUE = /^[!-~]([ -~]{0,254}[!-~])?$/;

const LINES = ["sound", "thread", "actionCategory", "androidChannel"] as const satisfies (keyof PushContent)[];

const at = (field: string) => `content.push.${field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;

/** What the .proto rules cannot express. @param channels those the notification is for */
export function pushFaults(content: PushContent, channels: readonly Channel[]): ContentFault[] {
  const bytes = jsonBytes(content);
  if (bytes > PUSH_CONTENT_BYTES_MAX)
    return [{ field: "content.push", rule: "push.bytes", message: `has ${bytes} bytes of JSON; at most ${PUSH_CONTENT_BYTES_MAX}` }];
  const pushChannels = channels.filter(isPush);
  return [
    ...blankFaults(content),
    ...unshownFaults(content),
    ...webPushFaults(content, pushChannels),
    ...keyFaults(content, pushChannels),
    ...urlFaults(content),
    ...LINES.flatMap((name) => lineFaults(at(name), content[name])),
    ...jsonFaults(at("dataJson"), content.dataJson),
    ...overridesFaults(content),
    ...sizeFaults(content, pushChannels),
  ];
}

function blankFaults(content: PushContent): ContentFault[] {
  const { title, body, titleLocalized, bodyLocalized } = content;
  if (pushKind(content) !== "shown" || titleLocalized || bodyLocalized || showsSomething(title) || showsSomething(body)) return [];
  return [{ field: "content.push", rule: "push.blank", message: "has nothing to see in title and body; leave both out for data alone" }];
}

/** A field without effect is a mistake that nobody would notice. */
function unshownFaults(content: PushContent): ContentFault[] {
  const kind = pushKind(content);
  if (kind === "shown") return [];
  const fields = SHOWN_ONLY_FIELDS.filter((name) => content[name] !== undefined);
  const silent = kind === "background" && content.sound !== undefined ? (["sound"] as const) : [];
  const message = "has no effect, because nothing is shown: give title or body, or leave it out";
  return [...fields, ...silent].map((name) => ({ field: at(name), rule: "push.unshown", message }));
}

/** Browsers demand that every push shows something, and know no texts of the application. */
function webPushFaults(content: PushContent, channels: readonly PushChannel[]): ContentFault[] {
  if (channels.length === 0 || channels.some((channel) => channel !== "webpush")) return [];
  if (content.background)
    return [
      { field: at("background"), rule: "webpush.background", message: "is not possible on webpush: browsers require a notification" },
    ];
  const { title, body, titleLocalized, bodyLocalized } = content;
  if (title !== "" || body !== "" || !(titleLocalized || bodyLocalized)) return [];
  return [{ field: "content.push", rule: "webpush.localized", message: "needs title or body on webpush: it knows no localized texts" }];
}

function keyFaults({ data, dataJson = {} }: PushContent, channels: readonly PushChannel[]): ContentFault[] {
  const reserved = (field: string, key: string): ContentFault[] => {
    const fault = (message: string): ContentFault => ({ field, rule: "data.reserved", message });
    const reserving = channels.find((channel) => isReservedDataKey(channel, key));
    return [
      ...(key.startsWith("carillon") ? [fault('keys beginning with "carillon" are reserved')] : []),
      ...(reserving ? [fault(`has a key that ${reserving} reserves`)] : []),
    ];
  };
  const keys = Object.keys(dataJson);
  const field = at("dataJson");
  return [
    ...Object.keys(data).flatMap((key) => reserved("content.push.data", key)),
    ...keys.flatMap((key) => reserved(field, key)),
    ...(keys.includes("") ? [{ field, rule: "data.key", message: "must have no empty key" }] : []),
    ...(keys.some((key) => Object.hasOwn(data, key)) ? [{ field, rule: "data.twice", message: "has a key that data has too" }] : []),
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
    ...Object.entries(apnsHeaders).flatMap(([name, value]): ContentFault[] => {
      if (OWN_APNS_HEADERS.has(name)) return [{ field, rule: "header.protected", message: `${name} is refused: Carillon sets it` }];
      if (APNS_HEADER_VALUE.test(value)) return [];
      return [{ field, rule: "header.value", message: `${name} must be 1 to 256 printable ASCII characters` }];
    }),
  ];
}

/** @param channels those whose limits count; without any, FCM's stands for them */
function sizeFaults(content: PushContent, channels: readonly PushChannel[]): ContentFault[] {
  const counted = channels.length > 0 ? channels : (["fcm"] as const);
  return counted.flatMap((channel) => {
    const bytes = pushPayloadBytes(channel, content);
    const max = PUSH_PAYLOAD_BYTES_MAX[channel];
    const message = `makes a payload of ${bytes} bytes; ${channel} carries ${max}`;
    return bytes > max ? [{ field: "content.push", rule: `${channel}.bytes`, message }] : [];
  });
}
