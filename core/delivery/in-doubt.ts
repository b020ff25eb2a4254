import type { Content } from "../content/content.ts";
import { isReplacedOnDevice } from "../content/replaced.ts";
import { type Channel, isPush, type NotificationClass } from "./channel.ts";
import { type Decision, STATUS_QUERY_FIRST_MS, type UncertainWaits } from "./decide.ts";
import { type Endpoint, type EndpointKind, kindOf } from "./endpoint.ts";
import { reason } from "./reason.ts";

/** Of which channels and classes an attempt of unknown outcome is repeated once. */
export type InDoubtRepeats = Readonly<Record<Channel, readonly NotificationClass[]>>;

/**
 * Chosen for the person: a second copy of a push replaces the first one on the device, so it is better than none, unless it is marketing. A second
 * text or mail is a second text or mail: only what is critical is worth it.
 */
export const IN_DOUBT_REPEATS: InDoubtRepeats = {
  apns: ["critical", "transactional"],
  fcm: ["critical", "transactional"],
  webpush: ["critical", "transactional"],
  sms: ["critical"],
  email: ["critical"],
};

/** How long a critical attempt waits at most for a status query, in ms: a one-time password that comes later is of no use. */
export const STATUS_QUERY_BOUND_CRITICAL_MS = 30_000;
/** The same for the others, in ms. */
export const STATUS_QUERY_BOUND_MS = 900_000;
/** From the moment a provider can tell until its answer is recorded, in ms: publishing the query, the call and the write. */
const STATUS_QUERY_ANSWER_MS = 8_000;

export interface InDoubtSituation {
  channel: Channel;
  endpoint?: Endpoint | undefined;
  notificationClass: NotificationClass;
  content: Content;
  collapseKey?: string | undefined;
  /** It repeats an attempt of unknown outcome already. */
  policyResend: boolean;
  now: number;
  expiresAt: number;
  repeats: InDoubtRepeats;
}

/** A call that rings again after it was answered, and a second Live Activity beside the first, are worse than none, however urgent. */
const NEVER_TWICE: ReadonlySet<EndpointKind | undefined> = new Set(["voip", "live-activity-start"]);

/**
 * Whether it is repeated, once, where nothing resolves it. What is not critical only where the copy replaces the first one on the device and nothing
 * else: under a key of the caller's it could replace a newer push. What is critical is repeated without that key (dispatchers/provider-call.ts).
 */
function isRepeated(situation: InDoubtSituation): boolean {
  const { channel, endpoint, notificationClass, content, collapseKey, policyResend, now, expiresAt, repeats } = situation;
  if (endpoint !== undefined && NEVER_TWICE.has(kindOf(endpoint))) return false;
  if (policyResend || now >= expiresAt || !repeats[channel].includes(notificationClass)) return false;
  return notificationClass === "critical" || (!collapseKey && isReplacedOnDevice(channel, content));
}

/** After the wait, without a receipt or a finding: repeats once where that is allowed, else fails with outcome-unknown. */
export function decideUncertain(s: InDoubtSituation): Decision {
  if (isRepeated(s)) return { kind: "retry", at: s.now, reason: reason("outcome-unknown"), policyResend: true };
  return { kind: "failed", reason: reason("outcome-unknown") };
}

/** What can tell the outcome of a provider's attempt. */
export interface Confirmation {
  /** How long after it became uncertain a status query can first tell, in ms; undefined: never. */
  statusQueryTellsMs: number | undefined;
  sendsReceipts: boolean;
}

/**
 * How long an attempt in doubt waits for a receipt or a status query, in ms. It follows the provider: a push that will be repeated does not wait for what
 * never comes, and others wait for a status query that comes within a bound. What will not be repeated has no hurry.
 */
export function uncertainWaitMs(s: InDoubtSituation, { statusQueryTellsMs, sendsReceipts }: Confirmation, waits: UncertainWaits): number {
  const repeated = isRepeated(s);
  const configured = repeated ? waits[s.notificationClass] : Math.max(waits[s.notificationClass], waits.transactional);
  if (statusQueryTellsMs === undefined)
    return repeated && !sendsReceipts && isPush(s.channel) ? Math.min(configured, STATUS_QUERY_FIRST_MS) : configured;
  const toldMs = statusQueryTellsMs + STATUS_QUERY_ANSWER_MS;
  const boundMs = repeated && s.notificationClass === "critical" ? STATUS_QUERY_BOUND_CRITICAL_MS : STATUS_QUERY_BOUND_MS;
  return toldMs <= boundMs ? Math.max(configured, toldMs) : configured;
}
