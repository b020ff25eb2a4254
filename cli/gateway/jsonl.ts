import { channelToProto, classToProto, priorityToProto } from "../../adapters/wire/convert.ts";
import { contentToProto } from "../../core/content/content.ts";
import { CHANNELS, CLASSES, PRIORITIES } from "../../core/delivery/channel.ts";
import type { Endpoint as EndpointProto } from "../../gen/carillon/v1/channel.ts";
import type { Notification } from "../../gen/carillon/v1/notification_service.ts";
import { parseDuration } from "../duration.ts";

/** A line cannot be sent: names the field and the rule. */
export class LineError extends Error {
  override name = "LineError";
}

type Json = Record<string, unknown>;

const FIELDS = [
  "key",
  "user",
  "endpoint",
  "channels",
  "class",
  "category",
  "push",
  "sms",
  "email",
  "priority",
  "collapseKey",
  "sendAt",
  "expiresAt",
  "note",
];

/**
 * One line of a .jsonl file as a notification. Times are ISO 8601, or "+90s", "+5m", "+2h" from now.
 * Rejects only what protobuf cannot express; the gateway validates the rest.
 */
export function parseLine(text: string, now: number): Notification {
  const line = object(parseJson(text), "the line");
  for (const field of Object.keys(line))
    if (!FIELDS.includes(field)) throw new LineError(`${field}: is not a field; the fields are ${FIELDS.join(", ")}`);
  const push = optional(line, "push", object);
  const sms = optional(line, "sms", object);
  const email = optional(line, "email", object);
  const endpoint = optional(line, "endpoint", object);
  return {
    idempotencyKey: string(line.key ?? "", "key"),
    recipient: endpoint
      ? { to: { $case: "endpoint", value: parseEndpoint(endpoint, "endpoint") } }
      : { to: line.user === undefined ? undefined : { $case: "userId", value: string(line.user, "user") } },
    channels: array(line.channels ?? [], "channels").map((c, i) => channelToProto(oneOf(CHANNELS, c, `channels[${i}]`))),
    notificationClass: classToProto(oneOf(CLASSES, line.class ?? "transactional", "class")),
    category: string(line.category ?? "", "category"),
    content: contentToProto({
      push: push && {
        title: string(push.title ?? "", "push.title"),
        body: string(push.body ?? "", "push.body"),
        data: strings(push.data ?? {}, "push.data"),
      },
      sms: sms && { text: string(sms.text ?? "", "sms.text") },
      email: email && {
        subject: string(email.subject ?? "", "email.subject"),
        html: string(email.html ?? "", "email.html"),
        text: string(email.text ?? "", "email.text"),
      },
    }),
    priority: line.priority === undefined ? 0 : priorityToProto(oneOf(PRIORITIES, line.priority, "priority")),
    collapseKey: string(line.collapseKey ?? "", "collapseKey"),
    sendAt: optional(line, "sendAt", (v, f) => parseTime(v, f, now)),
    expiresAt: optional(line, "expiresAt", (v, f) => parseTime(v, f, now)),
  };
}

/** {"apnsToken": …} and the other fields of carillon.v1.Endpoint.address that are text | {"webPush": {"pushUrl", "p256dh", "auth"}} */
export function parseEndpoint(json: Json, field: string): EndpointProto {
  const [kind, ...more] = Object.keys(json);
  if (kind === undefined || more.length > 0) throw new LineError(`${field}: must have exactly one field`);
  const value = json[kind];
  switch (kind) {
    case "apnsToken":
    case "apnsVoipToken":
    case "apnsLiveActivityToken":
    case "apnsLiveActivityStartToken":
    case "fcmToken":
    case "fcmInstallationId":
    case "phoneNumber":
    case "emailAddress":
      return { address: { $case: kind, value: string(value, `${field}.${kind}`) } };
    case "webPush": {
      const { pushUrl, p256dh, auth } = object(value, `${field}.webPush`);
      const key = (v: unknown, name: string) => Buffer.from(string(v, `${field}.webPush.${name}`), "base64url");
      return {
        address: {
          $case: "webPushSubscription",
          value: { pushUrl: string(pushUrl, `${field}.webPush.pushUrl`), p256dh: key(p256dh, "p256dh"), auth: key(auth, "auth") },
        },
      };
    }
    default:
      throw new LineError(
        `${field}.${kind}: is not a field; the fields are apnsToken, apnsVoipToken, apnsLiveActivityToken, apnsLiveActivityStartToken, fcmToken, fcmInstallationId, webPush, phoneNumber, emailAddress`,
      );
  }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new LineError("the line: is not JSON");
  }
}

export function object(value: unknown, field: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new LineError(`${field}: must be an object`);
  return value as Json;
}

export function string(value: unknown, field: string): string {
  if (typeof value !== "string") throw new LineError(`${field}: must be a string`);
  // UTF-8 has no half of a surrogate pair: it would be sent as U+FFFD.
  if (!value.isWellFormed()) throw new LineError(`${field}: has half of a surrogate pair (\\ud800 to \\udfff)`);
  return value;
}

export function array(value: unknown, field: string): unknown[] {
  if (!Array.isArray(value)) throw new LineError(`${field}: must be an array`);
  return value;
}

export function oneOf<T extends string>(choices: readonly T[], value: unknown, field: string): T {
  const found = choices.find((c) => c === value);
  if (found === undefined) throw new LineError(`${field}: must be one of ${choices.join(", ")}`);
  return found;
}

function strings(value: unknown, field: string): Record<string, string> {
  const entries = Object.entries(object(value, field));
  return Object.fromEntries(entries.map(([k, v]) => [string(k, `${field}: a key`), string(v, `${field}.${k}`)]));
}

function optional<T>(line: Json, field: string, parse: (value: unknown, field: string) => T): T | undefined {
  return line[field] === undefined ? undefined : parse(line[field], field);
}

function parseTime(value: unknown, field: string, now: number): Date {
  const text = string(value, field);
  const sign = text.startsWith("-") ? -1 : 1;
  const relative = /^[+-]/.test(text) ? parseDuration(text.slice(1)) : undefined;
  const time = relative === undefined ? Date.parse(text) : now + sign * relative;
  if (Number.isNaN(time)) throw new LineError(`${field}: must be ISO 8601 or relative as "+90s"`);
  return new Date(time);
}
