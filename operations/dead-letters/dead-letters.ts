import { EXPIRY_MAX_MS } from "../../core/delivery/lifetime.ts";
import { type Delivery, expiryOf, type NotificationRecord } from "../../core/delivery/notification.ts";
import type { ReasonCode } from "../../core/delivery/reason.ts";
import { mayBeSent } from "../../core/delivery/second-send.ts";
import type { AttemptRecord } from "../../core/ports/attempt-store.ts";
import type { DeliveryChange } from "../../core/ports/notification-store.ts";

export interface RedriveTerms {
  /** When it is to go; ms since the epoch. */
  at: number;
  /** Also what may have been sent: it may then arrive twice. */
  uncertain: boolean;
  /** More time from `at` on, where it has less. */
  expiresInMs?: number | undefined;
  /** Somebody asked for this very delivery. */
  named: boolean;
}

/** What becomes of a dead letter that is to be redriven. */
export type Redrive =
  | { kind: "redrive"; change: DeliveryChange }
  /** Numbers nobody ever claimed: they are to be closed first, or a late copy of their task would send beside the new attempt. */
  | { kind: "unclaimed"; numbers: number[] }
  | { kind: "may-be-sent" }
  | { kind: "expired" }
  /** The endpoint is gone: it will be so again. */
  | { kind: "gone" }
  | { kind: "not-failed" };

/**
 * Begins a new drive of a failed delivery, under the same ids and the next attempt number. Pure.
 *
 * Attempts are to be read after the delivery. Then it cannot send twice what may have been sent, whatever happens meanwhile: an attempt that
 * is known as not sent stays so, no number up to the delivery's is left to be claimed, and the change applies only to a delivery that still
 * is as it was read. Of several operators, and of a receipt that comes in at the same moment, one has its way.
 *
 * @param attempts all of this delivery's, of every drive
 */
export function redriveChange(n: NotificationRecord, d: Delivery, attempts: readonly AttemptRecord[], terms: RedriveTerms): Redrive {
  if (d.state !== "failed") return { kind: "not-failed" };
  const claimed = new Set(attempts.map((a) => a.number));
  const numbers = Array.from({ length: d.attempt }, (_, i) => i + 1).filter((number) => !claimed.has(number));
  if (numbers.length > 0) return { kind: "unclaimed", numbers };
  const isRepetition = attempts.some(mayBeSent);
  if (isRepetition && !terms.uncertain) return { kind: "may-be-sent" };
  if (isGone(d) && !terms.named) return { kind: "gone" };
  const { at, expiresInMs = Number.NEGATIVE_INFINITY } = terms;
  const expiresAt = Math.max(expiryOf(n, d), at + Math.min(expiresInMs, EXPIRY_MAX_MS));
  if (expiresAt <= at) return { kind: "expired" };
  const attempt = d.attempt + 1;
  return {
    kind: "redrive",
    change: {
      ...{ notificationId: n.id, deliveryId: d.id, expect: { attempt: d.attempt, states: ["failed"] } },
      set: {
        ...{ state: "pending", attempt, firstAttempt: attempt, publications: 0, nextAt: at },
        ...{ endedAt: undefined, reason: undefined, uncertainSince: undefined, policyResend: undefined, providerRef: undefined },
        ...(isRepetition ? { redrive: (d.redrive ?? 0) + 1 } : {}),
        ...(expiresAt > expiryOf(n, d) ? { expiresAt } : {}),
      },
    },
  };
}

const isGone = (d: Delivery) => d.endpoint === undefined || d.reason?.code === "endpoint-gone";

/** Which dead letters are meant; what is left out, any. Times are ms since the epoch. */
export interface DeadLetterFilter {
  channel?: string | undefined;
  reason?: ReasonCode | undefined;
  app?: string | undefined;
  /** Ended at or after this. */
  from: number;
  /** Ended before this. */
  to: number;
}

/** The notification's deliveries that failed and are meant. */
export const deadLetters = (n: NotificationRecord, filter: DeadLetterFilter): Delivery[] =>
  filter.app !== undefined && filter.app !== n.app ? [] : n.deliveries.filter((d) => isMeant(d, filter));

function isMeant(d: Delivery, { channel, reason, from, to }: DeadLetterFilter): boolean {
  if (d.state !== "failed" || d.endedAt === undefined || d.endedAt < from || d.endedAt >= to) return false;
  return (channel === undefined || channel === d.channel) && (reason === undefined || reason === d.reason?.code);
}
