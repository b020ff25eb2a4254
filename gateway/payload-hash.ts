import { canonicalForm, mapValue, type NamedValue } from "../core/content/codec.ts";
import { contentValues } from "../core/content/content.ts";
import { richParts } from "../core/content/rich.ts";
import { sha256Hex } from "../runtime/hash.ts";
import type { NotificationRequest } from "./request.ts";

/**
 * The version and the hex SHA-256 of all that a caller asked for: equal for equal requests, however their maps and channels were ordered. A higher version
 * uses fields that gateways of the ones below do not know: they would take a repeated call for another one.
 */
export const payloadHash = (request: NotificationRequest): string =>
  `${versionOf(request)}:${sha256Hex(canonicalForm(requestValues(request)))}`;

function versionOf(request: NotificationRequest): 2 | 3 | 4 {
  if (request.tags !== undefined || request.cancelKey !== undefined) return 4;
  return isOfVersion3(request) ? 3 : 2;
}

const VERSIONS_KNOWN: readonly (string | undefined)[] = [undefined, "2", "3", "4"];

function isOfVersion3({ content, ttlSeconds, recipient }: NotificationRequest): boolean {
  if (ttlSeconds !== undefined || richParts(content).length > 0) return true;
  if (recipient.kind === "user" || recipient.endpoint.channel !== "apns") return false;
  return recipient.endpoint.application !== undefined || recipient.endpoint.environment !== undefined;
}

/**
 * Whether a request asks for what was stored under its key, by the version of the hash that was stored. "unknown-version": a newer
 * Carillon stored it, and this one cannot compare it.
 */
export function comparePayload(stored: string, request: NotificationRequest): "same" | "other" | "unknown-version" {
  const version = /^(?:(\d+):)?/.exec(stored)?.[1];
  if (!VERSIONS_KNOWN.includes(version)) return "unknown-version";
  return stored === (version === undefined ? unversionedHash(request) : payloadHash(request)) ? "same" : "other";
}

/** Names are permanent, and a new field gets a new name: whatever does not use it keeps its hash. */
const requestValues = (request: NotificationRequest): NamedValue[] => [
  ...recipientValues(request),
  ["channels", [...request.channels].sort().join(",")],
  ["class", request.notificationClass],
  ["category", request.category],
  ["priority", request.priorityAsHashed ?? request.priority],
  ["collapse_key", request.collapseKey ?? ""],
  ["send_at", numberValue(request.sendAt)],
  ["expires_at", numberValue(request.expiresAt)],
  ["ttl_seconds", numberValue(request.ttlSeconds)],
  ["tags", mapValue(request.tags ?? {})],
  ["cancel_key", request.cancelKey ?? ""],
  ...contentValues(request.content),
];

/** A number as it is; 0 differs from absent. */
const numberValue = (value: number | undefined) => (value === undefined ? "" : String(value));

function recipientValues({ recipient, endpointAsGiven }: NotificationRequest): NamedValue[] {
  const { channel, ...fields } =
    recipient.kind === "user" ? { channel: "user", id: recipient.userId } : (endpointAsGiven ?? recipient.endpoint);
  return [["recipient", channel], ...Object.entries(fields).map(([name, value]): NamedValue => [`recipient.${channel}.${name}`, value])];
}

/**
 * Version 1, stored without a number by development builds before 0.1.0: positions instead of names, so it stays as it is. A field that
 * came later is not in it.
 */
function unversionedHash({ recipient, endpointAsGiven, channels, content, ...request }: NotificationRequest): string {
  const data = content.push && Object.entries(content.push.data).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return sha256Hex(
    JSON.stringify([
      recipient.kind === "user" ? recipient.userId : (endpointAsGiven ?? recipient.endpoint),
      [...channels].sort(),
      request.notificationClass,
      request.category,
      content.push && [content.push.title, content.push.body, data],
      content.sms?.text,
      content.email && [content.email.subject, content.email.html, content.email.text],
      request.priorityAsHashed ?? request.priority,
      request.collapseKey,
      request.sendAt,
      request.expiresAt,
    ]),
  );
}
