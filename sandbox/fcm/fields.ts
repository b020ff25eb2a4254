import {
  anything,
  type Check,
  flag,
  list,
  type Mistake,
  map,
  matches,
  mistakesIn,
  number,
  object,
  type Path,
  rule,
  text,
  typeOf,
  whole,
} from "../kit/fields.ts";
import { isFields } from "../kit/read.ts";
import { timeAt } from "../kit/time.ts";

/**
 * The request of messages:send. Google: "FCM HTTP v1 API, REST Resource: projects.messages"; the Protocol Buffers JSON format, which says that
 * each name may be spelled in camelCase or as in the .proto file, that null is as good as absent, and how durations and times are written.
 */
const message = (table: Record<string, Check>, required: readonly string[] = []) =>
  object(table, {
    required,
    reportUnknown: true,
    nullIsAbsent: true,
    nameOf: (sent) => sent.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`),
  });

const anyCase = (type: string, ...values: string[]) => text(rule(`${FCM}.${type}`, (value) => values.includes(value.toUpperCase())));
const exactly = (type: string, ...values: string[]) => text(rule(`${FCM}.${type}`, (value) => values.includes(value)));
const FCM = "type.googleapis.com/google.firebase.fcm.v1";

const duration = text(matches(/^-?\d{1,12}(\.\d{1,9})?s$/, "type.googleapis.com/google.protobuf.Duration"));
const isTime = (value: string) =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(timeAt(value));
const time = text(rule("type.googleapis.com/google.protobuf.Timestamp", isTime));

const anyText = text();
/** Entries are named by their position. */
const stringMap: Check = (value, path, report) => {
  if (!isFields(value)) return report({ path, problem: "type", says: "object", value });
  for (const [index, item] of Object.values(value).entries()) anyText(item, [...path, index, "value"], report);
};
const json = map(anything);
const label = message({ analytics_label: text() });

const notification = { title: text(), body: text(), image: text() };

const androidNotification = message({
  ...notification,
  icon: text(),
  color: text(),
  sound: text(),
  tag: text(),
  click_action: text(),
  body_loc_key: text(),
  body_loc_args: list(text()),
  title_loc_key: text(),
  title_loc_args: list(text()),
  channel_id: text(),
  ticker: text(),
  sticky: flag,
  event_time: time,
  local_only: flag,
  notification_priority: exactly(
    "AndroidNotification.NotificationPriority",
    ...["UNSPECIFIED", "MIN", "LOW", "DEFAULT", "HIGH", "MAX"].map((priority) => `PRIORITY_${priority}`),
  ),
  default_sound: flag,
  default_vibrate_timings: flag,
  default_light_settings: flag,
  vibrate_timings: list(duration),
  visibility: exactly("AndroidNotification.Visibility", "VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET"),
  notification_count: whole(rule("TYPE_INT32", (count) => Math.abs(count) <= 0x7fff_ffff)),
  light_settings: message({
    color: message({ red: number(), green: number(), blue: number(), alpha: number() }),
    light_on_duration: duration,
    light_off_duration: duration,
  }),
  proxy: exactly("AndroidNotification.Proxy", "PROXY_UNSPECIFIED", "ALLOW", "DENY", "IF_PRIORITY_LOWERED"),
  bypass_proxy_notification: flag,
});

const REQUEST = message({
  validate_only: flag,
  message: message({
    name: text(),
    token: text(),
    fid: text(),
    topic: text(),
    condition: text(),
    data: stringMap,
    notification: message(notification),
    android: message({
      collapse_key: text(),
      priority: anyCase("AndroidConfig.AndroidMessagePriority", "NORMAL", "HIGH"),
      ttl: duration,
      restricted_package_name: text(),
      data: stringMap,
      notification: androidNotification,
      fcm_options: label,
      direct_boot_ok: flag,
      bandwidth_constrained_ok: flag,
      restricted_satellite_ok: flag,
    }),
    webpush: message({
      headers: stringMap,
      data: stringMap,
      notification: json,
      fcm_options: message({ link: text(), analytics_label: text() }),
    }),
    apns: message({
      headers: stringMap,
      payload: json,
      fcm_options: message({ analytics_label: text(), image: text() }),
      live_activity_token: text(),
    }),
    fcm_options: label,
  }),
});

export interface Violation {
  /** As Google writes it: "message.data[2].value". */
  field: string;
  description: string;
}

/** What Google's JSON parser rejects before FCM sees the message. */
export const parserViolations = (body: unknown): Violation[] => mistakesIn(REQUEST, body).map(violationOf);

const TYPES: Record<string, string> = { string: "TYPE_STRING", boolean: "TYPE_BOOL", integer: "TYPE_INT32", number: "TYPE_FLOAT" };
/** Of a value that an error quotes. */
const QUOTED_CHARACTERS_MAX = 100;

function violationOf({ path, problem, says, value }: Mistake): Violation {
  const field = fieldName(path);
  const parent = fieldName(path.slice(0, -1));
  const unknown = (why: string) => ({
    field: parent,
    description: `Invalid JSON payload received. Unknown name "${path.at(-1)}"${parent === "" ? "" : ` at '${parent}'`}: ${why}`,
  });
  if (problem === "unknown") return unknown("Cannot find field.");
  if (problem === "type" && typeOf(value) === "array") return unknown("Proto field is not repeating, cannot start list.");
  const quoted = (JSON.stringify(value) ?? "").slice(0, QUOTED_CHARACTERS_MAX);
  return { field, description: `Invalid value at '${field}' (${TYPES[says] ?? says}), ${quoted}` };
}

const fieldName = (path: Path) => path.map((part, n) => (typeof part === "number" ? `[${part}]` : `${n > 0 ? "." : ""}${part}`)).join("");
