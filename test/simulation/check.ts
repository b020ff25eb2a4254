import type { Channel } from "../../core/delivery/channel.ts";
import { ASKED_WAIT_LONGEST_MS, LAST_CALL_WAIT_MS, UNCERTAIN_WAIT_MS } from "../../core/delivery/decide.ts";
import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import { mayHaveGone } from "../../core/delivery/void-attempt.ts";
import { WATCHDOG_LONGEST_MS } from "../../core/delivery/watchdog.ts";
import { type AttemptRecord, attemptId, knownOutcome } from "../../core/ports/attempt-store.ts";
import { audit } from "../../operations/audit/audit.ts";
import { mayBeRepeated, SKEW_MS } from "./invariant-checker.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { ProviderMemory } from "./providers.ts";
import type { Simulation } from "./simulation.ts";
import { isTimed, type Timing, timedMsMax } from "./timing.ts";

/** Leases, publication, and calls that are still slow. */
const SLOW_MS = 60_000;
/**
 * Once no fault is in effect, a delivery that expires later than this must be sent. A copy of its task may have been lost at the last moment, and then it
 * waits for the watchdog. No other wait counts, however long: a backoff, an open circuit and what a provider asks for all end with a last try before the
 * expiry.
 */
const SENT_WITHIN_MS = WATCHDOG_LONGEST_MS + SLOW_MS;
/** And none is called for the last time later than this: a provider may have asked for its longest wait at the last moment, and then a copy was lost. */
const CALLED_WITHIN_MS = ASKED_WAIT_LONGEST_MS + WATCHDOG_LONGEST_MS + SLOW_MS;
/** What is not sent ends no earlier than this before its expiry: there was no time for another call. */
const ENDS_BEFORE_EXPIRY_MS = LAST_CALL_WAIT_MS + SKEW_MS;
/** Calls that a delivery of a day may cost while nothing is accepted. */
const CALLS_MAX = 180;

export interface End {
  simulation: Simulation;
  store: MemoryStore;
  memory: ProviderMemory;
  /** Delivery ids that callers received. */
  accepted: readonly string[];
  /** Attempts whose receipts were applied. */
  receipted: ReadonlySet<string>;
  /** Since when no fault of a channel is in effect. */
  quietAtOf(channel: Channel): number;
  timing: Timing;
}

/** Checks the final state. */
export async function judge({ simulation, store, memory, accepted, receipted, quietAtOf, timing }: End): Promise<void> {
  const notifications = [...store.notifications.inside.values()];
  const attempts = [...store.attempts.inside.values()];
  const { checks, open } = audit(notifications, attempts, { taken: memory.taken, accepted });
  for (const { promise, holds, examples } of checks) if (!holds) for (const id of examples) simulation.broken(promise, id);
  if (open > 0) simulation.broken("2 every delivery ends", `${open} are open`);
  for (const a of attempts) if (!isTrue(a, memory.attempts.has(a.id))) simulation.broken("2 what is recorded is true", a.id);
  for (const n of notifications) {
    for (const d of n.deliveries) {
      if (d.policyResend && !mayBeRepeated(d.channel, n.notificationClass)) simulation.broken("3 only what may be repeated is", d.id);
      if (receipted.has(attemptId(d.id, d.attempt)) && !showsReceipt(d)) simulation.broken("2 a receipt is reflected in the state", d.id);
      if (endedTooEarly(n, d)) simulation.broken("2 no unknown outcome is given up too early", d.id);
      if (givenUpTooEarly(n, d)) simulation.broken("2 what was not sent ends by its expiry alone", d.id);
      if (d.attempt > CALLS_MAX) simulation.broken("2 an outage costs few calls", d.id);
      if (d.reason?.code === "content-lost" && d.endedAt! < n.expiresAt - SKEW_MS)
        simulation.broken("2 a content is found as long as it is used", d.id);
      if (d.state === "expired" && (memory.taken.get(d.id) ?? 0) > 0) simulation.broken("2 what was sent does not end as expired", d.id);
      if (calledTooLate(n, d)) simulation.broken("2 what waits is called soon after the faults", d.id);
      if (expiredWithoutFault(n, d, quietAtOf(d.channel))) simulation.broken("2 no delivery expires without a fault", d.id);
    }
  }

  function calledTooLate({ sendAt, acceptedAt }: NotificationRecord, d: Delivery): boolean {
    const attempt = store.attempts.inside.get(attemptId(d.id, d.attempt));
    const from = Math.max(quietAtOf(d.channel), sendAt, acceptedAt) + timedMsMax(timing);
    return attempt !== undefined && attempt.outcome?.kind !== "void" && attempt.startedAt > from + CALLED_WITHIN_MS;
  }

  function endedTooEarly({ notificationClass }: NotificationRecord, d: Delivery): boolean {
    if (d.reason?.code !== "outcome-unknown" || notificationClass === "critical" || mayHaveGone(d)) return false;
    const attempt = store.attempts.inside.get(attemptId(d.id, d.attempt));
    return d.endedAt! - (attempt?.startedAt ?? 0) < UNCERTAIN_WAIT_MS[notificationClass] - SKEW_MS;
  }
}

/** Compares an attempt's outcome with whether the provider accepted it. An unknown outcome is consistent with both. */
function isTrue(attempt: AttemptRecord, taken: boolean): boolean {
  const kind = knownOutcome(attempt)?.kind;
  return kind === undefined || kind === "unanswered" || (kind === "accepted") === taken;
}

const showsReceipt = ({ state, reason }: Delivery) =>
  state === "sent" || state === "delivered" || (state === "failed" && reason?.code === "undelivered");

/** A clock may have jumped by hours, and then the store's clock decides, which is the simulated one. */
const givenUpTooEarly = ({ expiresAt }: NotificationRecord, d: Delivery) =>
  d.reason?.code === "attempts-exhausted" ||
  (!isTimed(d.reason?.code) && d.state === "expired" && d.endedAt! < expiresAt - ENDS_BEFORE_EXPIRY_MS);

const expiredWithoutFault = ({ expiresAt }: NotificationRecord, d: Delivery, quietAt: number) =>
  d.state === "expired" && !isTimed(d.reason?.code) && d.endedAt! > quietAt && expiresAt > quietAt + SENT_WITHIN_MS;
