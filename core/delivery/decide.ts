import { backoffMs } from "./backoff.ts";
import type { NotificationClass } from "./channel.ts";
import { type Outcome, reasonOf } from "./outcome.ts";
import { outcomeReason, type Reason, reason } from "./reason.ts";

/** Attempts of a run after which `throttled` and `unavailable` end the delivery as failed: after about half an hour of backoff. */
export const ATTEMPT_COUNT_MAX = 12;
/** The fault code of a process that had no connection free for the call. The provider was not asked, so it uses up no attempt. */
export const NO_CONNECTION_SLOT = "no-connection-slot";
/** The shortest wait after a throttled attempt, in ms. */
export const THROTTLED_WAIT_MS = 1_000;
/** The wait after a misconfigured attempt, in ms; the account's circuit stays open as long. */
export const MISCONFIGURED_WAIT_MS = 30_000;
/** How long an unknown outcome waits for a receipt or a status query before the policy of its class decides, in ms, unless configured otherwise. */
export const UNCERTAIN_WAIT_MS: UncertainWaits = { critical: 10_000, transactional: 300_000, marketing: 300_000 };
export type UncertainWaits = Readonly<Record<NotificationClass, number>>;
/** The first status query about an unknown outcome, and the shortest time between two: a receipt mostly comes sooner. */
export const STATUS_QUERY_FIRST_MS = 2_000;
/** Classes whose attempt of unknown outcome is repeated once. */
const RESENDS_UNCERTAIN: Record<NotificationClass, boolean> = { critical: true, transactional: false, marketing: false };

export type Decision =
  | { kind: "sent"; providerRef: string; reason?: Reason | undefined }
  /** `policyResend`: it repeats an attempt of unknown outcome, as the class allows once. */
  | { kind: "retry"; at: number; reason: Reason; policyResend?: true }
  | { kind: "uncertain"; reason: Reason }
  | { kind: "expired"; reason: Reason }
  | { kind: "failed"; reason: Reason };

export interface AttemptSituation {
  /** Its number within the run, from 1. */
  attempt: number;
  now: number;
  expiresAt: number;
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
      return { kind: "failed", reason: reason(outcome.kind, outcome.reason) };
    case "throttled":
      return retryAt(outcome, s, s.hasFallback ? 0 : Math.max(askedWaitMs(outcome), THROTTLED_WAIT_MS, backoffMs(s.attempt, s.random)));
    case "unavailable": {
      const waitMs = s.hasFallback ? 0 : Math.max(askedWaitMs(outcome), backoffMs(s.attempt, s.random));
      return outcome.fault.code === NO_CONNECTION_SLOT ? retryUntilExpiry(outcome, s, waitMs) : retryAt(outcome, s, waitMs);
    }
    case "misconfigured":
      // Not the notification's fault: kept until it expires, however many attempts that takes.
      return retryUntilExpiry(outcome, s, s.hasFallback ? 0 : MISCONFIGURED_WAIT_MS);
  }
}

/** After the wait, without a receipt or a finding: repeats once if the class allows it, else fails with outcome-unknown. */
export function decideUncertain(s: {
  notificationClass: NotificationClass;
  policyResend: boolean;
  now: number;
  expiresAt: number;
}): Decision {
  if (RESENDS_UNCERTAIN[s.notificationClass] && !s.policyResend && s.now < s.expiresAt)
    return { kind: "retry", at: s.now, reason: reason("outcome-unknown"), policyResend: true };
  return { kind: "failed", reason: reason("outcome-unknown") };
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

/** 0 for NaN and infinity: they would make a due time that never comes. */
const askedWaitMs = ({ retryAfterMs = 0 }: { retryAfterMs?: number | undefined }) => (Number.isFinite(retryAfterMs) ? retryAfterMs : 0);

function retryAt(outcome: NotSent, s: AttemptSituation, waitMs: number): Decision {
  if (s.attempt >= ATTEMPT_COUNT_MAX) return { kind: "failed", reason: reason("attempts-exhausted", reasonOf(outcome)) };
  return retryUntilExpiry(outcome, s, waitMs);
}

function retryUntilExpiry(outcome: NotSent, s: AttemptSituation, waitMs: number): Decision {
  const at = s.now + waitMs;
  const why = reason(outcome.kind, reasonOf(outcome));
  return at >= s.expiresAt ? { kind: "expired", reason: why } : { kind: "retry", at, reason: why };
}
