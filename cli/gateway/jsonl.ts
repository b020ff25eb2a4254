import { channelToProto, classToProto, priorityToProto } from "../../adapters/wire/convert.ts";
import { CHANNELS, CLASSES, PRIORITIES } from "../../core/delivery/channel.ts";
import type { Endpoint as EndpointProto } from "../../gen/carillon/v1/channel.ts";
import { EmailContent, Notification, PushContent, SmsContent } from "../../gen/carillon/v1/notification_service.ts";
import { isMoment, parseMoment, RFC_3339_RULE } from "../../runtime/moment.ts";
import { parseDuration } from "../duration.ts";
import { array, type Json, LineError, object, oneOf, readJson, string } from "./line-values.ts";
import { readMessage } from "./message-json.ts";

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
  "ttlSeconds",
  "tags",
  "cancelKey",
  "note",
];
/** A line with one of these is a Notification as the API has it. */
const API_FIELDS = ["idempotencyKey", "idempotency_key", "recipient", "content", "notificationClass", "notification_class"];

export interface ParsedLine {
  /** From 1. */
  line: number;
  message: Notification;
}

/**
 * Every line that is not blank.
 * @param onFault is told of those that cannot be sent
 * @param now from which relative times count, the same for all lines: two that repeat a key then say the same
 */
export async function* parseLines(
  lines: AsyncIterable<string> | Iterable<string>,
  onFault: (fault: { line: number; error: { code: string; reason: string; message: string } }) => void,
  now: number,
): AsyncGenerator<ParsedLine> {
  let line = 0;
  for await (const text of lines) {
    line++;
    if (text.trim() === "") continue;
    let message: Notification;
    try {
      message = parseLine(text, now);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      onFault({ line, error: { code: "INVALID_ARGUMENT", reason: "INVALID_LINE", message: error.message } });
      continue;
    }
    yield { line, message };
  }
}

/**
 * One line of a .jsonl file as a notification: in the API's own JSON (ProtoJSON of carillon.v1.Notification), or in the short form of FIELDS, in which times
 * may also be "+90s", "+5m", "+2h" from now. push, sms and email are the API's in both.
 * Rejects only what protobuf cannot express; the gateway validates the rest.
 */
export function parseLine(text: string, now: number): Notification {
  const line = object(readJson(text), "the line");
  if (API_FIELDS.some((field) => Object.hasOwn(line, field))) return readMessage(Notification, "Notification", line, "");
  for (const field of Object.keys(line))
    if (!FIELDS.includes(field)) throw new LineError(`${field}: is not a field; the fields are ${FIELDS.join(", ")}`);
  const endpoint = optional(line, "endpoint", object);
  return {
    idempotencyKey: string(line.key ?? "", "key"),
    recipient: endpoint
      ? { to: { $case: "endpoint", value: parseEndpoint(endpoint, "endpoint") } }
      : { to: line.user === undefined ? undefined : { $case: "userId", value: string(line.user, "user") } },
    channels: array(line.channels ?? [], "channels").map((c, i) => channelToProto(oneOf(CHANNELS, c, `channels[${i}]`))),
    notificationClass: classToProto(oneOf(CLASSES, line.class ?? "transactional", "class")),
    category: string(line.category ?? "", "category"),
    content: {
      push: optional(line, "push", (json, field) => readMessage(PushContent, "PushContent", json, field)),
      sms: optional(line, "sms", (json, field) => readMessage(SmsContent, "SmsContent", json, field)),
      email: optional(line, "email", (json, field) => readMessage(EmailContent, "EmailContent", json, field)),
    },
    priority: line.priority === undefined ? 0 : priorityToProto(oneOf(PRIORITIES, line.priority, "priority")),
    collapseKey: string(line.collapseKey ?? "", "collapseKey"),
    sendAt: optional(line, "sendAt", (v, f) => parseTime(v, f, now)),
    expiresAt: optional(line, "expiresAt", (v, f) => parseTime(v, f, now)),
    ttlSeconds: optional(line, "ttlSeconds", whole),
    tags: optional(line, "tags", texts) ?? {},
    cancelKey: string(line.cancelKey ?? "", "cancelKey"),
  };
}

const texts = (value: unknown, field: string): Record<string, string> =>
  Object.fromEntries(Object.entries(object(value, field)).map(([key, text]) => [key, string(text, `${field}.${key}`)]));

function whole(value: unknown, field: string): number {
  if (!Number.isSafeInteger(value)) throw new LineError(`${field}: must be a whole number`);
  return value as number;
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

function optional<T>(line: Json, field: string, parse: (value: unknown, field: string) => T): T | undefined {
  return line[field] === undefined ? undefined : parse(line[field], field);
}

function parseTime(value: unknown, field: string, now: number): Date {
  const text = string(value, field);
  const sign = text.startsWith("-") ? -1 : 1;
  const relative = /^[+-]/.test(text) ? parseDuration(text.slice(1)) : undefined;
  const time = relative === undefined ? parseMoment(text) : now + sign * relative;
  if (time === undefined || !isMoment(time)) throw new LineError(`${field}: must be ${RFC_3339_RULE}, or relative as "+90s"`);
  return new Date(time);
}
