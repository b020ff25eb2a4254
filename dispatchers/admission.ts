import { isDeepStrictEqual } from "node:util";
import { StoreError } from "../adapters/store/store-error.ts";
import { NO_ACCOUNTS } from "../core/apps/accounts.ts";
import { accountNameOf } from "../core/delivery/account.ts";
import { circuitsOf } from "../core/delivery/circuit-scope.ts";
import { DEFERRAL_SPREAD_MS, deferredTo } from "../core/delivery/deferral.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import { TASK_STALE_MS } from "../core/delivery/lifetime.ts";
import { type Reason, type ReasonCode, reason } from "../core/delivery/reason.ts";
import { acceptedOf, repeatedIds, SUPERSEDED } from "../core/delivery/superseded.ts";
import { attemptOfRun } from "../core/delivery/task.ts";
import { expiryOfRun, type Void } from "../core/delivery/void-attempt.ts";
import { attemptId } from "../core/ports/attempt-store.ts";
import type { DeliveryTask, Settlement } from "../core/ports/queue.ts";
import { UNLIMITED } from "../core/ports/rate-limiter.ts";
import { pausedReason, pausedUntil, pauseOf, type Steering } from "../core/steering/steering.ts";
import type { Target } from "../core/steering/target.ts";
import type { CircuitBreakers, Passage, Wait } from "./circuit-breaker.ts";
import { CLAIM_TO_SEND_MS, type DispatchParts } from "./dispatch-parts.ts";
import type { RecipientCheck } from "./recipient-check.ts";

/** Until a task whose accounts, recipient or opt-outs cannot be read is redelivered, in ms. */
const UNREADABLE_WAIT_MS = 2_000;
/** The same for `critical`, which is sent without opt-outs once they have been unreadable for UNREAD_AFTER_MS. */
const CRITICAL_UNREADABLE_WAIT_MS = 500;
/** Opt-outs unreadable for this long, in ms: what waits for them is handed back to the store, for at least this long and at most a minute. */
const HAND_BACK_AFTER_MS = 10_000;
const HAND_BACK_MS_MAX = 60_000;
/** Until a task that another worker is handling is redelivered, in ms. */
const HELD_ELSEWHERE_WAIT_MS = 5_000;

/** Deliveries that wait for a cap's next window are spread over its first quarter. */
const CAP_SPREAD_PARTS = 4;

export const suppressed = (why: ReasonCode): Void => ({ kind: "void", state: "suppressed", reason: reason(why) });

/** Whether a task may be claimed, and what becomes of it otherwise. */
export type Admission =
  /** `endpoint`: as it is registered now. `askedAt`: before opt-outs were asked for, by the monotonic clock. */
  | { kind: "admitted"; passage: Passage; endpoint: Endpoint; askedAt: number }
  /** Nothing may be sent for a while: the delivery waits in the store, where its reason can be seen. */
  | { kind: "handed-back"; wait: Pick<Wait, "waitMs" | "reason">; why: string }
  /** It may not be sent before a moment: the delivery waits in the store until `nextAt` (ms since the epoch). */
  | { kind: "deferred"; nextAt: number; reason: Reason }
  /** The delivery ends without a call. */
  | { kind: "void"; outcome: Void; providerRef?: string }
  | { kind: "settled"; settlement: Settlement; why: string };
/** The endpoint was registered anew since it was published, and other circuits are about it now. */
interface Renewed {
  kind: "renewed";
  endpoint: Endpoint;
}

type Parts = Pick<
  DispatchParts,
  "store" | "gate" | "accountsOf" | "sendingTimes" | "steering" | "checkCap" | "rateLimiterOf" | "deadlineMs" | "clock" | "random"
> & {
  circuits: CircuitBreakers;
  checkRecipient: RecipientCheck;
};

/** All checks before the claim, the cheap ones first. */
export function createAdmission(parts: Parts) {
  const { store, clock, circuits, gate, checkRecipient, rateLimiterOf = () => UNLIMITED } = parts;
  const windowMs = CLAIM_TO_SEND_MS + parts.deadlineMs;

  return async (task: DeliveryTask, holder: string): Promise<Admission> => {
    if (task.expiresAt <= clock.now() - TASK_STALE_MS) return { kind: "settled", settlement: { kind: "ack" }, why: "stale" };
    const earlier = task.policyResend ? await findAcceptedEarlier(store, task) : undefined;
    if (earlier) return { kind: "void", outcome: SUPERSEDED, providerRef: earlier.providerRef };
    if (task.expiresAt <= clock.now()) return { kind: "void", outcome: expiryOfRun(task) };
    const [accounts, steering] = await Promise.all([
      orUnreadable(parts.accountsOf?.(task.app), NO_ACCOUNTS),
      orUnreadable<Steering>(parts.steering?.read(), []),
    ]);
    // Nothing is sent without the accounts: another one may belong to another sender, or reject the endpoint as if it were dead.
    if (accounts === "unreadable") return nak(unreadableWaitMs(task), "accounts-unreadable");
    if (steering === "unreadable") return nak(unreadableWaitMs(task), "pauses-unreadable");
    const pause = pauseOf(task, steering, clock.now());
    if (pause) return paused(task, pause);
    for (let { endpoint } = task; ; ) {
      const passage = await circuits.choose({ ...task, endpoint, attempt: attemptOfRun(task) }, accounts, steering);
      if (passage.kind === "paused") return paused(task, passage.target);
      if (passage.kind === "wait")
        return { kind: "handed-back", wait: passage, why: passage.isWhole ? "circuit-open" : "part-circuit-open" };
      let admission: Admission | Renewed | undefined;
      try {
        admission = await admit(task, holder, passage);
        if (admission.kind !== "renewed") return admission;
        ({ endpoint } = admission);
      } finally {
        if (admission?.kind !== "admitted") circuits.release(passage);
      }
    }
  };

  /** Before everything that costs something: what is paused may be a million deliveries. */
  function paused(task: DeliveryTask, target: Target): Admission {
    return { kind: "deferred", nextAt: pausedUntil(task, clock.now(), parts.random()), reason: pausedReason(target) };
  }

  async function admit(task: DeliveryTask, holder: string, passage: Passage): Promise<Admission | Renewed> {
    const [recipient, time] = await Promise.all([checkRecipient(task), parts.sendingTimes?.(task)]);
    if (recipient.kind === "suppressed") return { kind: "void", outcome: suppressed(recipient.why) };
    if (
      recipient.kind === "preferences-unreadable" &&
      task.notificationClass !== "critical" &&
      recipient.unreadableMs >= HAND_BACK_AFTER_MS
    )
      return { kind: "handed-back", wait: waitForPreferences(recipient.unreadableMs), why: recipient.kind };
    if (recipient.kind !== "reachable") return nak(unreadableWaitMs(task), recipient.kind);
    if (!haveSameCircuits(recipient.endpoint, passage.endpoint)) return { kind: "renewed", endpoint: recipient.endpoint };
    if (time?.kind === "unreadable") return nak(UNREADABLE_WAIT_MS, "profiles-unreadable");
    if (time?.kind === "closed") return deferral(task, time.until, "quiet-hours");
    // After every check that ends or defers the delivery, because a place is not given back; before the rate limit, whose tasks come back and keep it.
    const cap = await parts.checkCap?.(task);
    if (cap?.kind === "unreadable") return nak(UNREADABLE_WAIT_MS, "caps-unreadable");
    if (cap?.kind === "full")
      return cap.defer ? deferral(task, cap.until, "cap", cap.windowMs / CAP_SPREAD_PARTS) : { kind: "void", outcome: suppressed("cap") };
    const rateLimiter = rateLimiterOf(accountNameOf(passage.provider));
    // The watchdog makes copies of what waits for tokens, and each copy would use one up.
    if (rateLimiter !== UNLIMITED && task.publication > 0 && (await isClaimed(store, task)))
      return { kind: "settled", settlement: { kind: "ack" }, why: "claimed-elsewhere" };
    // Before the gate: a task returned for want of a token must not leave a hold there, which would reject its next worker.
    const token = await rateLimiter.take(task.notificationClass);
    if (token.kind === "later")
      return { kind: "settled", settlement: { kind: "nak", delayMs: token.delayMs, ready: true }, why: "rate-limited" };
    if (!(await gate.mayTry(attemptId(task.deliveryId, task.attempt), holder, windowMs)))
      return nak(HELD_ELSEWHERE_WAIT_MS, "held-elsewhere");
    return { kind: "admitted", passage, endpoint: recipient.endpoint, askedAt: recipient.askedAt };
  }
}

/** What a reading of the store resolves with, or `otherwise` where there is none to wait for. */
async function orUnreadable<T>(reading: Promise<T> | undefined, otherwise: T): Promise<T | "unreadable"> {
  try {
    return (await reading) ?? otherwise;
  } catch (error) {
    if (error instanceof StoreError) return "unreadable";
    throw error;
  }
}

/** A wait until this moment, or the end of what expires before. */
function deferral(task: DeliveryTask, openAt: number, why: "quiet-hours" | "cap", spreadMs = DEFERRAL_SPREAD_MS): Admission {
  const nextAt = deferredTo(openAt, task, Math.min(spreadMs, DEFERRAL_SPREAD_MS));
  if (nextAt === undefined) return { kind: "void", outcome: expiryOfRun(task, reason(why)) };
  return { kind: "deferred", nextAt, reason: reason(why) };
}

/** As to the endpoint; app and sender are the task's. */
const haveSameCircuits = (a: Endpoint, b: Endpoint) => isDeepStrictEqual(a, b) || circuitsOf(a, "").join() === circuitsOf(b, "").join();

/** Half as long again as it has lasted, so that a long outage does not write each waiting delivery over and over. */
const waitForPreferences = (unreadableMs: number) => ({
  waitMs: Math.min(Math.max(unreadableMs / 2, HAND_BACK_AFTER_MS), HAND_BACK_MS_MAX),
  reason: reason("unavailable", "preferences-unreadable"),
});

const unreadableWaitMs = ({ notificationClass }: DeliveryTask) =>
  notificationClass === "critical" ? CRITICAL_UNREADABLE_WAIT_MS : UNREADABLE_WAIT_MS;

const nak = (delayMs: number, why: string): Admission => ({ kind: "settled", settlement: { kind: "nak", delayMs }, why });

/** For a policy resend: the acceptance of an attempt that it repeats, where that became known since. */
export async function findAcceptedEarlier({ attempts }: Parts["store"], task: DeliveryTask) {
  return acceptedOf(await attempts.find(repeatedIds({ ...task, id: task.deliveryId })));
}

async function isClaimed({ attempts }: Parts["store"], { deliveryId, attempt }: DeliveryTask): Promise<boolean> {
  return (await attempts.find([attemptId(deliveryId, attempt)])).length > 0;
}
