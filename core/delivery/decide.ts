import { backoffMs } from "./backoff.ts";
import type { NotificationClass } from "./channel.ts";
import { type Outcome, reasonOf } from "./outcome.ts";
import { outcomeReason, type Reason, reason } from "./reason.ts";

/** The shortest wait after a throttled attempt, in ms. */
export const THROTTLED_WAIT_MS = 1_000;
/** The shortest wait after a misconfigured attempt, in ms: an operator has to act first. */
export const MISCONFIGURED_WAIT_MS = 30_000;
/** The longest wait that a provider can ask for, in ms; the longest one documented, of a daily limit, is tried hourly. */
export const ASKED_WAIT_LONGEST_MS = 3_600_000;
/** How long before its expiry a delivery is tried for the last time, in ms: enough to publish the task, to claim it and for one call. */
export const LAST_TRY_MS = 15_000;
/** With less than LAST_TRY_MS left, the last try is this long before the expiry, in ms: a call only has to begin before it. */
export const LAST_CALL_MS = 5_000;
/** The shortest wait before a last try, in ms. With less time left, the delivery is not tried again. */
export const LAST_CALL_WAIT_MS = 3_000;
/** How long an unknown outcome waits for a receipt or a status query before the policy of its class decides, in ms, unless configured otherwise. */
export const UNCERTAIN_WAIT_MS: UncertainWaits = { critical: 10_000, transactional: 300_000, marketing: 300_000 };
export type UncertainWaits = Readonly<Record<NotificationClass, number>>;
/** The first status query about an unknown outcome, and the shortest time between two: a receipt mostly comes sooner. */
export const STATUS_QUERY_FIRST_MS = 2_000;
export type Decision =
  | { kind: "sent"; providerRef: string; reason?: Reason | undefined }
  /** `policyResend`: it repeats an attempt of unknown outcome, as channel and class allow once. */
  | { kind: "retry"; at: number; reason: Reason; policyResend?: true }
  | { kind: "uncertain"; reason: Reason }
  | { kind: "expired"; reason: Reason }
  | { kind: "failed"; reason: Reason };

export interface AttemptSituation {
  /** Its number within the run, from 1. */
  attempt: number;
  now: number;
  expiresAt: number;
  /** An earlier attempt may have been sent. */
  mayHaveGone?: boolean | undefined;
  /** The channel has another provider this attempt did not try. */
  hasFallback: boolean;
  /** In [0, 1). */
  random: number;
}

/** The only retry policy there is: what follows from an outcome. Pure; times in ms since the epoch. */
export function decide(outcome: Outcome, s: AttemptSituation): Decision {
  switch (outcome.kind) {
    case "accepted":
      return { kind: "sent", providerRef: outcome.providerRef, reason: outcomeReason(outcome) };
    case "unanswered":
      return { kind: "uncertain", reason: reason("outcome-unknown", outcome.fault.code) };
    case "endpoint-gone":
    case "rejected":
      return { kind: "failed", reason: outcomeReason(outcome) ?? reason(outcome.kind) };
    case "throttled":
      return retry(outcome, s, Math.max(askedWaitMs(outcome), THROTTLED_WAIT_MS, backoffMs(s.attempt, s.random)));
    case "unavailable":
      return retry(outcome, s, Math.max(askedWaitMs(outcome), backoffMs(s.attempt, s.random)));
    case "misconfigured":
      return retry(outcome, s, Math.max(MISCONFIGURED_WAIT_MS, backoffMs(s.attempt, s.random)));
  }
}

/**
 * When the next status query is due about an attempt in doubt since `since`. If the first one was due after 2 s, the next are due at 8 s, 32 s, …,
 * and none after `until`, when the policy decides. They are few, because an outage puts many attempts in doubt at once, and providers limit them.
 * @param firstMs how long after `since` the provider can first be asked
 */
export const nextStatusQueryAt = (since: number, now: number, until: number, firstMs = STATUS_QUERY_FIRST_MS) =>
  Math.min(until, now + Math.max(firstMs, 3 * (now - since)));

/** Known not to have been sent; a later attempt may succeed. */
type NotSent = Extract<Outcome, { kind: "throttled" | "unavailable" | "misconfigured" }>;

/** How long the provider asks to wait, in ms, up to ASKED_WAIT_LONGEST_MS; 0 for NaN and infinity, which would make a due time that never comes. */
const askedWaitMs = ({ retryAfterMs = 0 }: { retryAfterMs?: number | undefined }) =>
  Number.isFinite(retryAfterMs) ? Math.min(retryAfterMs, ASKED_WAIT_LONGEST_MS) : 0;

/** Only its expiry ends what is known not to have been sent; no number of attempts does. Expired says that no earlier attempt was sent either. */
function retry(outcome: NotSent, s: AttemptSituation, waitMs: number): Decision {
  const why = reason(outcome.kind, reasonOf(outcome));
  const at = s.hasFallback ? s.now : beforeExpiry(s, waitMs);
  if (at < s.expiresAt) return { kind: "retry", at, reason: why };
  return s.mayHaveGone ? { kind: "failed", reason: reason("outcome-unknown") } : { kind: "expired", reason: why };
}

/**
 * After the wait; where that leaves no time for the call, once more LAST_TRY_MS before the expiry, or LAST_CALL_MS if the former is almost now. Not before
 * the expiry where too little time is left for that too.
 */
export function beforeExpiry({ now, expiresAt, random }: Pick<AttemptSituation, "now" | "expiresAt" | "random">, waitMs: number): number {
  const lastTryAt = expiresAt - LAST_TRY_MS;
  const at = now + waitMs;
  if (at <= lastTryAt) return at;
  // Up to as much earlier, so that what expires together is not tried together.
  if (lastTryAt - now >= LAST_TRY_MS) return Math.max(now + LAST_TRY_MS, Math.round(lastTryAt - LAST_TRY_MS * random));
  return Math.min(at, Math.max(now + LAST_CALL_WAIT_MS, Math.round(expiresAt - LAST_CALL_MS * (1 + random))));
}
