import { isRefusal, type OptOutAnswer, strictest } from "../core/ports/opt-outs.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import { OPT_OUT_BOUND } from "../core/preferences/opt-out-bound.ts";
import type { DispatchParts } from "./dispatch-parts.ts";

/** From the question about opt-outs to the first byte of the send. */
export const OPT_OUT_FRESH_MS = OPT_OUT_BOUND.askToSendMs;
/**
 * Opt-outs must have been unreadable for this long, in ms, before `critical` is sent without them: longer than preferences is away in a rollout
 * (names are resolved again after 2 s, and a call waits 1 s), and short for someone who waits for a code.
 */
export const UNREAD_AFTER_MS = 5_000;
/** After this long without a question, in ms, a failure is the beginning of another outage. */
const OUTAGE_MEMORY_MS = 30_000;
/** After this long without a question, in ms, opt-outs may have been readable in between: `critical` waits anew. */
export const GAP_MS = 5_000;
/** A pod that is seldom asked may meet gaps only. So many in a row, with only failures between, are an outage too. */
export const GAPS_MAX = 3;
/** From the first failure to the question that confirms it, in ms, at least: one slow question alone is no outage. */
export const CONFIRMED_AFTER_MS = 500;
/** A `critical` task that expires this soon, in ms, does not wait for preferences. */
const EXPIRES_SOON_MS = 2_000;

/** An answer and `askedAt`, the time by the monotonic clock before the question was sent: the answer is no older than that. */
export interface CheckedOptOut {
  answer: OptOutAnswer;
  askedAt: number;
  /** How long they have been unreadable, in ms; 0 where they were read. */
  unreadableMs: number;
}
/** @param userIds whose opt-outs count: one is enough. Undefined: those of the endpoint alone. */
export type OptOutCheck = (task: DeliveryTask, userIds: readonly (string | undefined)[]) => Promise<CheckedOptOut>;

/**
 * Whether it may be sent, by the preferences of those it would reach. An answer that came too late to be used is none. Where they cannot be read, `critical` is allowed, but not at once: a gap in the
 * service, as in a rollout, must not reach people who opted out.
 */
export function createOptOutCheck({ optOuts, channel, clock }: Pick<DispatchParts, "optOuts" | "channel" | "clock">): OptOutCheck {
  let outage: Outage | undefined;
  let answeredAt = Number.NEGATIVE_INFINITY;

  return async ({ app, endpoint, category, notificationClass, content, expiresAt }, userIds) => {
    const askedAt = clock.monotonic();
    const pool = content.sms?.sender;
    const about = { app, endpoint, channel, category, notificationClass, ...(pool !== undefined && { pool }) };
    const answer = strictest(await optOuts.check(userIds.map((userId) => ({ ...about, userId }))));
    const now = clock.monotonic();
    if (isRefusal(answer) || (answer === "allowed" && now - askedAt <= OPT_OUT_FRESH_MS)) {
      outage = undefined;
      answeredAt = now;
      return { answer, askedAt, unreadableMs: 0 };
    }
    // Where another question was answered since this one was asked, the outage is younger than the question.
    outage = afterFailure(outage, Math.max(askedAt, answeredAt), now);
    const unreadableMs = now - outage.since;
    const isSure = outage.gaps >= GAPS_MAX || (now - outage.steadySince >= UNREAD_AFTER_MS && outage.confirmed);
    return notificationClass === "critical" && (isSure || expiresAt - clock.now() <= EXPIRES_SOON_MS)
      ? { answer: "allowed", askedAt: now, unreadableMs }
      : { answer: "unknown", askedAt, unreadableMs };
  };
}

/** Failed questions without an answer between. Times by the monotonic clock, in ms. */
interface Outage {
  since: number;
  /** When the last one failed. */
  last: number;
  /** Since then, questions have failed without a gap of GAP_MS. */
  steadySince: number;
  firstFailedAt: number;
  /** A question that was asked CONFIRMED_AFTER_MS after the first failure since then has failed too. */
  confirmed: boolean;
  gaps: number;
}

function afterFailure(before: Outage | undefined, askedAt: number, now: number): Outage {
  const gapMs = before ? askedAt - before.last : 0;
  if (!before || gapMs >= OUTAGE_MEMORY_MS)
    return { ...{ since: askedAt, steadySince: askedAt, firstFailedAt: now }, last: now, confirmed: false, gaps: 0 };
  if (gapMs >= GAP_MS) return { ...before, steadySince: askedAt, firstFailedAt: now, last: now, confirmed: false, gaps: before.gaps + 1 };
  return { ...before, last: now, confirmed: before.confirmed || askedAt - before.firstFailedAt >= CONFIRMED_AFTER_MS };
}
