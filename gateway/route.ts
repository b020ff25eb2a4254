import type { Content } from "../core/content/content.ts";
import { blobIdsOf } from "../core/content/email-content.ts";
import { withPriority } from "../core/content/email-headers.ts";
import { withTimestamp } from "../core/content/push-content.ts";
import { servesChannel, takesContent } from "../core/content/push-target.ts";
import { webPushLacks } from "../core/content/webpush-payload.ts";
import { CHANNELS, type Channel } from "../core/delivery/channel.ts";
import { canonicalEndpoint, type Endpoint, endpointKey } from "../core/delivery/endpoint.ts";
import type { Copy, Delivery, NotificationRecord } from "../core/delivery/notification.ts";
import { reason } from "../core/delivery/reason.ts";
import { watchdogMs } from "../core/delivery/watchdog.ts";
import type { ContactRecord } from "../core/ports/contact-store.ts";
import { isRefusal, type OptOutAnswer, type OptOutQuestion } from "../core/ports/opt-outs.ts";
import type { NotificationRequest } from "./request.ts";

/** From send_at, where the request has no expires_at. */
export const EXPIRY_DEFAULT_MS = 86_400_000;
/** The same for a VoIP push, in ms: a caller does not wait longer. */
export const VOIP_EXPIRY_DEFAULT_MS = 60_000;

/** An endpoint to send to, or a channel on which the recipient has none. */
export interface Target {
  channel: Channel;
  endpoint?: Endpoint;
  endpointId?: string;
  /** An address in cc or bcc. */
  copy?: Copy;
  /** As the caller spelled it, where it is not the recipient's. */
  endpointAsGiven?: Endpoint;
  /** The recipient has a number there that the app may not send SMS to. */
  barred?: true;
}

/** The channels that the request names; if it names none, the app's channels that are served and that its content has a part for. */
export function channelsOf(
  request: NotificationRequest,
  appChannels: readonly Channel[],
  served: readonly Channel[] = CHANNELS,
): Channel[] {
  if (request.recipient.kind === "endpoint") return [request.recipient.endpoint.channel];
  if (request.channels.length > 0) return request.channels;
  const able = appChannels.filter((c) => servesChannel(request.content, c));
  const left = able.filter((c) => served.includes(c));
  // Where none is left, the answer names those that are not served.
  return left.length > 0 ? left : able;
}

/**
 * Every endpoint of the recipient on these channels. A channel that the caller named and on which there is no endpoint becomes a target
 * without one, so that the answer reports it. If the caller named no channel and there is no endpoint at all, there is one such target.
 */
export function targetsOf(request: NotificationRequest, channels: readonly Channel[], contacts: readonly ContactRecord[]): Target[] {
  if (request.recipient.kind === "endpoint") {
    const { endpoint } = request.recipient;
    const target: Target = { channel: endpoint.channel, endpoint };
    return endpoint.channel === "email" ? withCopies(request, [target]) : [target];
  }
  const targets = channels.flatMap((channel): Target[] => {
    const found = contacts
      .filter((c) => c.endpoint.channel === channel && takesContent(c.endpoint, request.content))
      .map(({ endpoint, endpointId }) => ({ channel, endpoint, endpointId }));
    return found.length > 0 || request.channels.length === 0 ? found : [{ channel }];
  });
  const first = channels[0];
  if (targets.some(({ endpoint }) => endpoint?.channel === "email")) return withCopies(request, targets);
  return targets.length > 0 || first === undefined ? targets : [{ channel: first }];
}

export function questionsOf(app: string, request: NotificationRequest, targets: readonly Target[]): OptOutQuestion[] {
  const userId = request.recipient.kind === "user" ? request.recipient.userId : undefined;
  const { category, notificationClass, content } = request;
  // As the caller spelled it: an opt-out may be stored under that spelling.
  return targets.map(({ channel, endpoint, copy, endpointAsGiven }) => ({
    ...{ app, userId: copy === undefined ? userId : undefined, channel, category, notificationClass },
    endpoint: endpointAsGiven ?? request.endpointAsGiven ?? endpoint,
    ...(channel === "sms" && content.sms?.sender !== undefined && { pool: content.sms.sender }),
  }));
}

/** Why nothing is sent to a target; undefined: it is sent to. */
function suppression({ content }: NotificationRequest, { channel, endpoint, barred }: Target, answer: OptOutAnswer | undefined) {
  if (endpoint === undefined) return reason("no-endpoint", barred && "SMS to this number are not allowed");
  if (answer !== undefined && isRefusal(answer)) return reason(answer);
  const lacks = channel === "webpush" && content.push ? webPushLacks(content.push) : undefined;
  if (lacks === undefined) return undefined;
  return reason("not-supported", lacks === "unshown" ? "browsers require a notification" : "browsers know no texts of the application");
}

/** The targets, followed by the addresses of cc and bcc; an address that is a target already gets no second mail. */
function withCopies({ content: { email } }: NotificationRequest, targets: readonly Target[]): Target[] {
  const all = [...targets];
  const known = new Set(targets.flatMap(({ endpoint }) => (endpoint === undefined ? [] : [endpointKey(endpoint)])));
  for (const copy of ["cc", "bcc"] as const)
    for (const { address } of email?.[copy] ?? []) {
      const endpointAsGiven = { channel: "email", address } as const;
      const endpoint = canonicalEndpoint(endpointAsGiven);
      if (known.has(endpointKey(endpoint))) continue;
      known.add(endpointKey(endpoint));
      all.push({ channel: "email", endpoint, copy, endpointAsGiven });
    }
  return all;
}

/**
 * The content as it is stored: mail programs show a priority by headers (the class's own is none that the caller asked for), and a Live Activity keeps its
 * time over retries.
 */
export function storedContent({ content, priorityAsked }: NotificationRequest, sendAt: number): Content {
  const { push, email } = content;
  const headers = email && priorityAsked && withPriority(email.headers, priorityAsked);
  if (!push?.liveActivity && !headers) return content;
  return {
    ...content,
    ...(push?.liveActivity && { push: withTimestamp(push, sendAt) }),
    ...(email && headers && { email: { ...email, headers } }),
  };
}

/** When a notification that is accepted now expires; ms since the epoch. */
export const expiresAtOf = (
  { sendAt, expiresAt, content }: Pick<NotificationRequest, "sendAt" | "expiresAt" | "content">,
  now: number,
): number => expiresAt ?? Math.max(sendAt ?? now, now) + (content.push?.voip ? VOIP_EXPIRY_DEFAULT_MS : EXPIRY_DEFAULT_MS);

/** The record to insert. Where opt-outs are "unknown", the delivery is accepted and its dispatcher checks again. Pure. */
export function buildRecord(
  at: {
    id: string;
    app: string;
    now: number;
    payloadHash: string;
    watchdogFirstMs: number;
    traceparent?: string | undefined;
    mayPublish?: (channel: Channel) => boolean;
    hasOwnAccounts?: boolean;
  },
  request: NotificationRequest,
  targets: readonly Target[],
  answers: readonly OptOutAnswer[],
): NotificationRecord {
  const sendAt = Math.max(request.sendAt ?? at.now, at.now);
  const expiresAt = expiresAtOf(request, at.now);
  const scheduled = sendAt > at.now;
  const deliveries = targets.map(({ barred, endpointAsGiven: _asGiven, ...target }, index): Delivery => {
    const base = { id: `${at.id}-${index}`, ...target, attempt: 1 };
    const why = suppression(request, { barred, ...target }, answers[index]);
    if (why) return { ...base, state: "suppressed", publishCount: 0, reason: why, endedAt: at.now };
    // The gateway publishes what is due now; the relay evaluates it only if that had no effect.
    // Where the app has its share of the queue, the relay publishes it as earlier ones end.
    const later = scheduled || at.mayPublish?.(target.channel) === false;
    return later
      ? { ...base, state: "pending", publishCount: 0, nextAt: sendAt }
      : { ...base, state: "pending", publishCount: 1, nextAt: Math.min(at.now + watchdogMs(0, at.watchdogFirstMs), expiresAt) };
  });
  const { idempotencyKey, recipient, notificationClass, category, priority, collapseKey, ttlSeconds, tags, cancelKey } = request;
  const content = storedContent(request, sendAt);
  const blobIds = content.email ? blobIdsOf(content.email) : [];
  return {
    ...{
      id: at.id,
      app: at.app,
      idempotencyKey,
      payloadHash: at.payloadHash,
      recipient,
      notificationClass,
      category,
      content,
      priority,
      collapseKey,
    },
    ...{ acceptedAt: at.now, sendAt, expiresAt, traceparent: at.traceparent, deliveries },
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    ...(blobIds.length === 0 ? {} : { blobIds }),
    ...(tags && { tags }),
    ...(cancelKey !== undefined && { cancelKey }),
    ...(at.hasOwnAccounts ? { hasOwnAccounts: true } : {}),
  };
}
