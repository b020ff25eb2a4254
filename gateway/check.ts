import { ECDH } from "node:crypto";
import { contentFaults } from "../core/content/content.ts";
import { unsubscribeFaults } from "../core/content/email-unsubscribe.ts";
import { apnsKindOf } from "../core/content/push-content.ts";
import { hasBrokenEscape, parsePushUrl } from "../core/content/push-host.ts";
import { takesContent } from "../core/content/push-target.ts";
import { type Channel, contentPart } from "../core/delivery/channel.ts";
import { addressFault } from "../core/delivery/email-address.ts";
import type { ApnsKind, Endpoint } from "../core/delivery/endpoint.ts";
import { DAY_MS, EXPIRY_MAX_MS } from "../core/delivery/lifetime.ts";
import type { Category } from "../core/preferences/category.ts";
import type { NotificationRequest } from "./request.ts";
import type { Target } from "./route.ts";

/** A broken rule; `field` is relative to the notification. */
export interface Fault {
  field: string;
  rule: string;
  message: string;
}

/**
 * A send_at at most this far in the past means now: clock skew, latency and repeated calls cause it. Longer than any insert takes, because an
 * earlier call with the same key may still be inserting, and then this one must not be rejected as too late.
 */
export const SEND_AT_PAST_TOLERANCE_MS = 60_000;
export const SEND_AT_AHEAD_MAX_MS = 90 * DAY_MS;

/** Otherwise it goes to those channels on which its user has an endpoint, and checkTargets() checks what these require. */
export const namesChannels = ({ channels, recipient }: NotificationRequest) => channels.length > 0 || recipient.kind === "endpoint";

/** Checks the content for the channels it will be sent on, once these are known. */
export const checkTargets = (request: NotificationRequest, targets: readonly Target[]): Fault[] =>
  namesChannels(request) ? [] : contentFaults(request.content, [...new Set(targets.flatMap((t) => (t.endpoint ? [t.channel] : [])))]);

/**
 * Checks what the .proto rules cannot express: times, content for each channel, sizes that no provider accepts. Pure.
 * @param channels those it is sure to go to
 * @param s.settings of its category; absent: the app has put none
 */
export function checkRequest(
  request: NotificationRequest,
  channels: readonly Channel[],
  s: { now: number; pushHosts: readonly string[]; settings?: Category | undefined },
): Fault[] {
  return [
    ...checkTimes(request, s.now),
    ...checkCollapseKey(request),
    ...checkKind(request),
    ...checkChannels(request),
    ...contentFaults(request.content, channels),
    ...unsubscribeFaults(request.content.email, { ...request, settings: s.settings }),
    ...checkEndpoint(request, s.pushHosts),
  ];
}

function checkTimes({ sendAt, expiresAt }: NotificationRequest, now: number): Fault[] {
  const faults: Fault[] = [];
  if (sendAt !== undefined && !(sendAt >= now - SEND_AT_PAST_TOLERANCE_MS))
    faults.push({ field: "send_at", rule: "time.future", message: "must not be in the past" });
  if (sendAt !== undefined && sendAt > now + SEND_AT_AHEAD_MAX_MS)
    faults.push({ field: "send_at", rule: "time.horizon", message: "must be at most 90 days ahead" });
  const from = Math.max(sendAt ?? now, now);
  if (expiresAt !== undefined) {
    if (sendAt !== undefined && expiresAt <= sendAt)
      faults.push({ field: "expires_at", rule: "time.order", message: "must be after send_at" });
    else if (!(expiresAt > now)) faults.push({ field: "expires_at", rule: "time.future", message: "must be in the future" });
    if (expiresAt > from + EXPIRY_MAX_MS)
      faults.push({ field: "expires_at", rule: "time.horizon", message: "must be at most 28 days after send_at" });
  }
  return faults;
}

/** How the contract names the content that a token of each kind takes. */
const TAKES: Readonly<Record<ApnsKind | "ordinary", string>> = {
  voip: "an apns_voip_token, which takes content.push.voip and nothing else",
  "live-activity": "an apns_live_activity_token, which takes content.push.live_activity with the event update or end and nothing else",
  "live-activity-start": "an apns_live_activity_start_token, which takes content.push.live_activity with the event start and nothing else",
  ordinary: "an apns_token, which takes neither content.push.voip nor content.push.live_activity",
};

function checkKind({ recipient, content }: NotificationRequest): Fault[] {
  if (recipient.kind !== "endpoint" || recipient.endpoint.channel !== "apns" || takesContent(recipient.endpoint, content)) return [];
  return [{ field: "recipient.endpoint", rule: "endpoint.kind", message: `is ${TAKES[recipient.endpoint.kind ?? "ordinary"]}` }];
}

function checkCollapseKey({ collapseKey = "", content: { push } }: NotificationRequest): Fault[] {
  if (collapseKey !== "" && push && apnsKindOf(push) !== undefined)
    return [
      { field: "collapse_key", rule: "collapse_key.kind", message: "has no effect with content.push.voip or live_activity; leave it out" },
    ];
  if (!/\p{Cc}/u.test(collapseKey)) return [];
  return [{ field: "collapse_key", rule: "collapse_key.printable", message: "must have no control characters" }];
}

function checkChannels({ channels, recipient, content }: NotificationRequest): Fault[] {
  const faults: Fault[] = [];
  for (const [i, channel] of channels.entries()) {
    const part = contentPart(channel);
    if (content[part] === undefined)
      faults.push({ field: `content.${part}`, rule: "content.required", message: `must be given for channels[${i}] (${channel})` });
    if (recipient.kind === "endpoint" && recipient.endpoint.channel !== channel) {
      faults.push({
        field: `channels[${i}]`,
        rule: "channel.endpoint",
        message: `the recipient's endpoint is of channel ${recipient.endpoint.channel}`,
      });
    }
  }
  if (channels.length === 0 && recipient.kind === "endpoint") {
    const part = contentPart(recipient.endpoint.channel);
    if (content[part] === undefined)
      faults.push({
        field: `content.${part}`,
        rule: "content.required",
        message: `must be given for an endpoint of channel ${recipient.endpoint.channel}`,
      });
  }
  return faults;
}

function checkEndpoint({ recipient }: NotificationRequest, pushHosts: readonly string[]): Fault[] {
  return recipient.kind === "endpoint" ? checkAddress(recipient.endpoint, "recipient.endpoint", pushHosts) : [];
}

/** Checks what the .proto rules cannot express about an endpoint, on send and on registration. */
export function checkAddress(endpoint: Endpoint, field: string, pushHosts: readonly string[]): Fault[] {
  if (endpoint.channel !== "webpush") return checkSpelling(endpoint, field);
  const at = `${field}.web_push_subscription`;
  const faults = checkSpelling(endpoint, field);
  if (faults.length === 0 && parsePushUrl(endpoint.pushUrl, pushHosts) === undefined)
    faults.push({ field: `${at}.push_url`, rule: "push_url.host", message: "must be an https URL at an allowed push service" });
  if (!isPoint(Buffer.from(endpoint.p256dh, "base64url")))
    faults.push({ field: `${at}.p256dh`, rule: "p256dh.point", message: "must be an uncompressed point on the curve P-256" });
  return faults;
}

/** Checks that an address is one, for whatever it is used. */
export function checkSpelling(endpoint: Endpoint, field: string): Fault[] {
  if (endpoint.channel === "webpush" && hasBrokenEscape(endpoint.pushUrl)) {
    const message = "must have a percent sign only before two hexadecimal digits";
    return [{ field: `${field}.web_push_subscription.push_url`, rule: "push_url.escape", message }];
  }
  const fault = endpoint.channel === "email" ? addressFault(endpoint.address) : undefined;
  return fault === undefined ? [] : [{ field: `${field}.email_address`, rule: "string.email", message: `must ${fault}` }];
}

/** Whether anything can be encrypted to it: a browser's public key (RFC 8291, section 3.1). */
function isPoint(key: Uint8Array): boolean {
  try {
    ECDH.convertKey(key, "prime256v1"); // throws where it is no point on the curve
    return key[0] === 4;
  } catch {
    return false;
  }
}
