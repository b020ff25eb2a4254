import { EXPIRY_MAX_MS } from "../../core/delivery/lifetime.ts";
import { type Delivery, expiryOf, type NotificationRecord } from "../../core/delivery/notification.ts";
import type { ReasonCode } from "../../core/delivery/reason.ts";
import { mayBeSent } from "../../core/delivery/second-send.ts";
import { factsOf, redriven, type Transition } from "../../core/delivery/transitions.ts";
import type { AttemptRecord } from "../../core/ports/attempt-store.ts";

export interface RedriveTerms {
  /** ms since the epoch, as is `at`. */
  now: number;
  /** When the delivery becomes due. */
  at: number;
  /** Also redrive what may have been sent: it may then arrive twice. */
  uncertain: boolean;
  /** Extends the expiry to at least this long after `at`. */
  expiresInMs?: number | undefined;
  /** The delivery was selected by its id, not by a filter. */
  named: boolean;
}

/** Whether a dead letter can be redriven, and how. */
export type Redrive =
  | { kind: "redrive"; transition: Transition }
  /** These attempt numbers were never claimed. They must be voided first, or a late copy of their task could send beside the new attempt. */
  | { kind: "unclaimed"; numbers: number[] }
  | { kind: "may-be-sent" }
  | { kind: "expired" }
  /** The endpoint is gone, so another attempt would fail too. */
  | { kind: "gone" }
  | { kind: "not-failed" };

/**
 * Begins a new run of a failed delivery, under the same ids and with the next attempt number. Pure.
 *
 * Read the attempts after the delivery. Then concurrent changes cannot make it send twice: an attempt known as not sent stays so, every
 * number up to the delivery's is claimed or void, and the change applies only if the delivery is still as it was read. If several operators,
 * or an operator and a receipt, act at the same moment, one of them wins.
 *
 * @param attempts all attempts of this delivery, of every run
 */
export function decideRedrive(n: NotificationRecord, d: Delivery, attempts: readonly AttemptRecord[], terms: RedriveTerms): Redrive {
  if (d.state !== "failed") return { kind: "not-failed" };
  const claimed = new Set(attempts.map((a) => a.number));
  const numbers = Array.from({ length: d.attempt }, (_, i) => i + 1).filter((number) => !claimed.has(number));
  if (numbers.length > 0) return { kind: "unclaimed", numbers };
  const mayHaveBeenSent = attempts.some(mayBeSent);
  if (mayHaveBeenSent && !terms.uncertain) return { kind: "may-be-sent" };
  if (isGone(d) && !terms.named) return { kind: "gone" };
  const { at, expiresInMs = Number.NEGATIVE_INFINITY } = terms;
  const expiresAt = Math.max(expiryOf(n, d), at + Math.min(expiresInMs, EXPIRY_MAX_MS));
  if (expiresAt <= at) return { kind: "expired" };
  const run = {
    at,
    redrive: mayHaveBeenSent ? (d.redrive ?? 0) + 1 : undefined,
    expiresAt: expiresAt > expiryOf(n, d) ? expiresAt : undefined,
  };
  return { kind: "redrive", transition: redriven(factsOf(n, d), run, terms.now) };
}

const isGone = (d: Delivery) => d.endpoint === undefined || d.reason?.code === "endpoint-gone";

/** Selects dead letters; an undefined field selects any. Times are ms since the epoch. */
export interface DeadLetterFilter {
  channel?: string | undefined;
  reason?: ReasonCode | undefined;
  app?: string | undefined;
  /** Ended at or after this. */
  from: number;
  /** Ended before this. */
  to: number;
}

/** The failed deliveries of the notification that the filter selects. */
export const deadLetters = (n: NotificationRecord, filter: DeadLetterFilter): Delivery[] =>
  filter.app !== undefined && filter.app !== n.app ? [] : n.deliveries.filter((d) => isSelected(d, filter));

function isSelected(d: Delivery, { channel, reason, from, to }: DeadLetterFilter): boolean {
  if (d.state !== "failed" || d.endedAt === undefined || d.endedAt < from || d.endedAt >= to) return false;
  return (channel === undefined || channel === d.channel) && (reason === undefined || reason === d.reason?.code);
}
