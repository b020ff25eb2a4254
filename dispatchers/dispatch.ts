import { accountNameOf } from "../core/delivery/account.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import { notCalled, type Outcome } from "../core/delivery/outcome.ts";
import { expiryOfRun, type Void } from "../core/delivery/void-attempt.ts";
import { type AttemptRecord, attemptId } from "../core/ports/attempt-store.ts";
import type { Provider } from "../core/ports/provider.ts";
import type { DeliveryTask, Settlement } from "../core/ports/queue.ts";
import { accountStateOf, pauseOf } from "../core/steering/steering.ts";
import { createAdmission, suppressed } from "./admission.ts";
import { createAttemptWriter } from "./attempt-writer.ts";
import { createCircuitBreakers } from "./circuit-breaker.ts";
import { CLAIM_TO_SEND_MS, type DispatchParts } from "./dispatch-parts.ts";
import { OPT_OUT_FRESH_MS } from "./opt-out-check.ts";
import { callProvider, reportAttempt } from "./provider-call.ts";
import { createRecipientCheck, type RecipientCheck } from "./recipient-check.ts";
import { createStatusQuery } from "./status-query.ts";

/** The step all channels share: task → admission → claim → provider → record. The queue's settlement follows what is durable. */
export function createDispatch(parts: DispatchParts): (task: DeliveryTask, holder: string) => Promise<Settlement> {
  const { channel, clock, metrics, failpoint } = parts;
  const circuits = parts.circuits ?? createCircuitBreakers(parts);
  const checkRecipient = createRecipientCheck(parts);
  const admit = createAdmission({ ...parts, circuits, checkRecipient });
  const writer = createAttemptWriter({ ...parts, circuits });
  const statusQuery = createStatusQuery({ ...parts, change: writer.change });
  const buildClaim = createClaimBuilder(parts);
  const call = createCheckedCall(parts, checkRecipient);

  const settled = (settlement: Settlement, why: string): Settlement => {
    metrics.settled.inc({ channel, settlement: settlement.kind, why });
    return settlement;
  };

  return async (task, holder) => {
    failpoint("dispatcher.received", task.category);
    if (task.statusQuery) return settled({ kind: "ack" }, `status-query-${await statusQuery(task)}`);
    const admission = await admit(task, holder);
    if (admission.kind === "settled") return settled(admission.settlement, admission.why);
    if (admission.kind === "handed-back") {
      const waitsMs = await writer.handBack(task, admission.wait);
      return settled({ kind: "ack", waitsMs }, admission.why);
    }
    if (admission.kind === "deferred") {
      await writer.deferTo(task, admission);
      return settled({ kind: "ack" }, admission.reason.code);
    }
    if (admission.kind === "void") {
      await writer.endUnclaimed(task, admission.outcome, admission.providerRef);
      return settled({ kind: "ack" }, admission.outcome.reason.code);
    }

    const { passage, endpoint, askedAt } = admission;
    const { provider } = passage;
    failpoint("dispatcher.before-claim", task.category);
    const startedAt = clock.monotonic();
    const claim = buildClaim(task, provider);
    const claiming = await writer.claim(task, claim, passage);
    if (claiming !== "ours") {
      // The outcome of a claim that was not confirmed has ended the probe: another task may have begun the next one.
      if (claiming === "claimed-elsewhere") circuits.release(passage);
      return settled({ kind: "ack" }, claiming);
    }

    failpoint("dispatcher.claimed", task.category);
    parts.calling?.(holder);
    const outcome = await call(task, provider, { attemptId: claim.id, startedAt, endpoint, askedAt });
    if (outcome.kind === "void") {
      circuits.release(passage);
      await writer.endClaimed(task, claim, outcome);
      return settled({ kind: "ack" }, outcome.reason.code);
    }
    failpoint("dispatcher.answered", task.category);
    reportAttempt(parts, task, provider, outcome, clock.monotonic() - startedAt);
    await writer.record(task, claim, outcome, passage);
    failpoint("dispatcher.changed", task.category);
    return settled({ kind: "ack" }, outcome.kind);
  };
}

function createClaimBuilder({ clock, worker, deadlineMs }: DispatchParts) {
  /** Makes each claim's worker name unique, so that two copies of a task in one process do not share a claim. */
  let claimCount = 0;
  return ({ deliveryId, attempt: number, policyResend, redrive }: DeliveryTask, provider: Provider): AttemptRecord => {
    const startedAt = clock.now();
    const who = { worker: `${worker}/${++claimCount}`, provider: provider.name, account: accountNameOf(provider) };
    const deadlineAt = startedAt + CLAIM_TO_SEND_MS + deadlineMs;
    const repeats = { ...(policyResend ? { policyResend } : {}), ...(redrive ? { redrive } : {}) };
    return { id: attemptId(deliveryId, number), deliveryId, number, ...who, startedAt, deadlineAt, ...repeats };
  };
}

/**
 * The call, unless something forbids it after the claim: the claim may have been slow, and the process may have been paused. Checks again where the
 * call could not begin in time: its first byte leaves within OPT_OUT_FRESH_MS of the question about opt-outs, or not at all. The recipient's endpoint is
 * read again with them, and whether the recipient's quiet hours have begun. What operators have paused is asked once more right before the first byte, too.
 */
function createCheckedCall(parts: DispatchParts, checkRecipient: RecipientCheck) {
  const { clock } = parts;
  return async (
    task: DeliveryTask,
    provider: Provider,
    claimed: { attemptId: string; startedAt: number; endpoint: Endpoint; askedAt: number },
  ): Promise<Void | Outcome> => {
    let { endpoint, askedAt } = claimed;
    const isFresh = () => clock.monotonic() - askedAt <= OPT_OUT_FRESH_MS;
    const isExpired = () => task.expiresAt <= clock.now();
    const arePausesKnown = () => parts.steering === undefined || parts.steering.current() !== undefined;
    const isPaused = () => {
      const steering = parts.steering?.current() ?? [];
      return pauseOf(task, steering, clock.now()) !== undefined || accountStateOf(provider, steering, clock.now()).target !== undefined;
    };
    const isInTime = () => clock.monotonic() - claimed.startedAt <= CLAIM_TO_SEND_MS;
    for (;;) {
      if (!isFresh()) {
        const [recipient, time] = await Promise.all([checkRecipient(task), parts.sendingTimes?.(task)]);
        if (recipient.kind === "suppressed") return suppressed(recipient.why);
        if (recipient.kind !== "reachable") return notCalled(recipient.kind);
        if (time?.kind === "closed") return notCalled("quiet-hours");
        if (time?.kind === "unreadable") return notCalled("profiles-unreadable");
        ({ endpoint, askedAt } = recipient);
      }
      if (!arePausesKnown()) await parts.steering?.read();
      if (isPaused()) return notCalled("paused");
      if (isExpired()) return expiryOfRun(task);
      if (!isInTime()) return notCalled("worker-paused");
      let tooLate = false;
      const mayBegin = () => {
        tooLate = !isFresh() || !isInTime() || isExpired() || !arePausesKnown() || isPaused();
        return !tooLate;
      };
      const outcome = await callProvider(parts, provider, { ...task, endpoint }, { attemptId: claimed.attemptId, mayBegin });
      if (!tooLate || outcome.kind !== "unavailable") return outcome;
    }
  };
}
