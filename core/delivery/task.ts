import { richParts } from "../content/rich.ts";
import type { DeliveryTask } from "../ports/queue.ts";
import { contentPart } from "./channel.ts";
import { type EndpointKind, kindOf } from "./endpoint.ts";
import type { Need } from "./needs.ts";
import { type Delivery, expiryOf, type NotificationRecord } from "./notification.ts";

/** The task for a delivery's current attempt: to send it, or to query its status. */
export function toTask(n: NotificationRecord, d: Delivery, { statusQuery = false } = {}): DeliveryTask {
  if (d.endpoint === undefined) throw new Error(`delivery ${d.id} is open without an endpoint`);
  const part = contentPart(d.channel);
  const contentHash = n.contentHashes?.[part];
  return {
    notificationId: n.id,
    deliveryId: d.id,
    attempt: d.attempt,
    publication: d.publishCount,
    app: n.app,
    userId: userOf(n, d),
    channel: d.channel,
    endpoint: d.endpoint,
    endpointId: d.endpointId,
    ...(d.copy === undefined ? {} : { shownTo: addressesShown(n) }),
    notificationClass: n.notificationClass,
    category: n.category,
    priority: n.priority,
    collapseKey: n.collapseKey,
    expiresAt: expiryOf(n, d),
    content: contentHash === undefined ? { [part]: n.content[part] } : {},
    contentHash,
    policyResend: d.policyResend ?? false,
    runStart: d.runStart ?? 1,
    redrive: d.redrive,
    statusQuery,
    ttlSeconds: n.ttlSeconds,
    needs: needsOf(n, d),
    traceparent: n.traceparent,
  };
}

/** A copy goes to an address that was given outright, whoever the recipient is: it obeys the opt-outs of all who registered it. */
export const userOf = ({ recipient }: NotificationRecord, { copy }: Delivery): string | undefined =>
  recipient.kind === "user" && copy === undefined ? recipient.userId : undefined;

/** Addresses that a To header has room for: far more than anyone has, and a task stays small. */
const SHOWN_TO_MAX = 20;

const addressesShown = ({ deliveries }: NotificationRecord): string[] =>
  deliveries
    .flatMap(({ copy, endpoint }) => (copy === undefined && endpoint?.channel === "email" ? [endpoint.address] : []))
    .slice(0, SHOWN_TO_MAX);

const KIND_NEEDS: Readonly<Record<EndpointKind, Need>> = {
  voip: "apns-voip",
  "live-activity": "apns-live-activity",
  "live-activity-start": "apns-live-activity",
  installation: "fcm-installation",
};

function needsOf(
  { content, contentHashes = {}, richApart = [], blobIds, ttlSeconds, hasOwnAccounts }: NotificationRecord,
  { channel, endpoint }: Delivery,
): Need[] {
  const part = contentPart(channel);
  const needs: Need[] = [];
  if (contentHashes[part] !== undefined) needs.push("content-by-reference");
  if (richApart.includes(part) || richParts(content).includes(part)) needs.push(`rich-${part}`);
  if (blobIds !== undefined && part === "email") needs.push("blobs");
  // A mail has no lifetime at a provider.
  if (ttlSeconds !== undefined && channel !== "email") needs.push("ttl");
  if (hasOwnAccounts) needs.push("app-accounts");
  if (endpoint?.channel === "apns" && endpoint.application !== undefined) needs.push("apns-application");
  if (endpoint?.channel === "apns" && endpoint.environment !== undefined) needs.push("apns-environment");
  const kind = endpoint && kindOf(endpoint);
  if (kind !== undefined) needs.push(KIND_NEEDS[kind]);
  return needs;
}

/** The attempt's number within its run, from 1: decides which provider is asked and how long to back off. */
export const attemptOfRun = ({ attempt, runStart = 1 }: { attempt: number; runStart?: number | undefined }) => attempt - runStart + 1;
