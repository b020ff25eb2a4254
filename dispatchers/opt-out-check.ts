import { type OptOutAnswer, strictest } from "../core/ports/opt-outs.ts";
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
/** A `critical` task that expires this soon, in ms, does not wait for preferences. */
const EXPIRES_SOON_MS = 2_000;

/** `askedAt` is before the question, by the monotonic clock: how old the answer is at most. */
export interface CheckedOptOut {
  answer: OptOutAnswer;
  askedAt: number;
  /** How long they have been unreadable, in ms; 0 where they were read. */
  unreadableMs: number;
}
/** @param userIds whose opt-outs count: one is enough. Undefined: those of the endpoint alone. */
export type OptOutCheck = (task: DeliveryTask, userIds: readonly (string | undefined)[]) => Promise<CheckedOptOut>;

/**
 * Opted out or not. An answer that came too late to be used is none. Where they cannot be read, `critical` is allowed, but not at once: a gap in the
 * service, as in a rollout, must not reach people who opted out.
 */
export function createOptOutCheck({ optOuts, channel, clock }: Pick<DispatchParts, "optOuts" | "channel" | "clock">): OptOutCheck {
  let unreadable: { since: number; last: number } | undefined;

  return async ({ app, endpoint, category, notificationClass, expiresAt }, userIds) => {
    const askedAt = clock.monotonic();
    const answer = strictest(await optOuts.check(userIds.map((userId) => ({ app, userId, endpoint, channel, category }))));
    const now = clock.monotonic();
    if (answer === "opted-out" || (answer === "allowed" && now - askedAt <= OPT_OUT_FRESH_MS)) {
      unreadable = undefined;
      return { answer, askedAt, unreadableMs: 0 };
    }
    const since = unreadable && now - unreadable.last < OUTAGE_MEMORY_MS ? unreadable.since : askedAt;
    unreadable = { since, last: now };
    const unreadableMs = now - since;
    const waits = unreadableMs < UNREAD_AFTER_MS && expiresAt - clock.now() > EXPIRES_SOON_MS;
    return notificationClass === "critical" && !waits
      ? { answer: "allowed", askedAt: now, unreadableMs }
      : { answer: "unknown", askedAt, unreadableMs };
  };
}
