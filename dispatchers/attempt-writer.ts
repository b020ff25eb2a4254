import { endpointId as idOf } from "../adapters/ids.ts";
import { applySettlements, applyTransitions, type Settlement } from "../core/delivery/apply-transitions.ts";
import { RECORD_MS } from "../core/delivery/call-limits.ts";
import { beforeExpiry, type Decision, decide } from "../core/delivery/decide.ts";
import { notCalled, type Outcome } from "../core/delivery/outcome.ts";
import type { Reason } from "../core/delivery/reason.ts";
import { SUPERSEDED } from "../core/delivery/superseded.ts";
import { attemptOfRun } from "../core/delivery/task.ts";
import { attempted, decided, handedBack, type Transition, voided } from "../core/delivery/transitions.ts";
import { mayHaveGone, type Void, voidAttempt } from "../core/delivery/void-attempt.ts";
import type { AttemptRecord, AttemptResult } from "../core/ports/attempt-store.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import { createBatcher } from "../runtime/batch.ts";
import { createStateLog } from "../runtime/state-log.ts";
import { findAcceptedEarlier } from "./admission.ts";
import type { CircuitBreakers, Passage, Wait } from "./circuit-breaker.ts";
import type { DispatchParts } from "./dispatch-parts.ts";
import { createLearn } from "./learn.ts";

/** Between two tries to write an outcome while the store is unavailable, in ms. */
const RECORD_AGAIN_MS = 500;
/** One round trip's worth; more only adds latency. */
const BATCH_MAX = 200;
/** More than the in-flight limit of a pod can ever be. */
const WAITING_MAX = 20_000;

type Parts = Pick<
  DispatchParts,
  "store" | "preferences" | "recorder" | "worker" | "clock" | "setupWaiters" | "random" | "log" | "failpoint"
> & {
  circuits: CircuitBreakers;
};
export type AttemptWriter = ReturnType<typeof createAttemptWriter>;

/**
 * Writes claims, outcomes and changes, each in batches. The attempt before the delivery, or both at once: after a crash in between, the relay finishes
 * from what the attempt says.
 */
export function createAttemptWriter(parts: Parts) {
  const { store, recorder, clock, log, worker, circuits, failpoint } = parts;
  const learn = createLearn(parts);
  const lost = "store unavailable, retrying the outcome write";
  const state = createStateLog(log, { lost, back: "store available again, outcomes are written" }, clock.monotonic);
  const limits = { batchMax: BATCH_MAX, waitingMax: WAITING_MAX, concurrency: 2 };
  const claims = createBatcher((items: readonly AttemptRecord[]) => store.attempts.claim(items), limits, clock);
  const answers = createBatcher((items: readonly AttemptResult[]) => store.attempts.record(items), limits, clock);
  const changes = createBatcher((items: readonly Transition[]) => applyTransitions(store.notifications, recorder, items), limits, clock);

  const { settle } = store;
  /** Absent where the store cannot write both at once. */
  const settlements =
    settle && createBatcher((items: readonly Settlement[]) => applySettlements({ ...store, settle }, recorder, items), limits, clock);

  /** Whether it was applied. */
  const change = (transition: Transition): Promise<boolean> => changes.add(transition);

  async function claim(
    task: DeliveryTask,
    attempt: AttemptRecord,
    passage: Passage,
  ): Promise<"ours" | "claimed-elsewhere" | "claim-unconfirmed"> {
    try {
      // Another worker has claimed it, or it ended long ago: nothing is sent here, and the watchdog takes care of the rest.
      if (!(await claims.add(attempt))) return "claimed-elsewhere";
    } catch (error) {
      // It may have been written all the same, or be written yet. Nothing is sent; if the number is ours, its outcome says so.
      const write = (result: AttemptResult) => recordUnconfirmed(attempt, result);
      if (await record(task, attempt, notCalled("claim-unconfirmed"), passage, write)) return "claim-unconfirmed";
      throw error;
    }
    recorder.record([attempted(task, attempt.startedAt)]);
    return "ours";
  }

  /**
   * Writes the outcome of a claim that the store did not confirm. True when it was stored. After a store stood still, a claim may be written after its outcome
   * found none: the number is then taken together with the outcome, so that the late claim meets a number in use. Without an outcome, what was never sent would
   * end as unknown.
   */
  async function recordUnconfirmed(claimed: AttemptRecord, result: AttemptResult): Promise<boolean> {
    if (await answers.add(result)) return true;
    const { outcome, answeredAt } = result;
    if (await claims.add({ ...claimed, outcome, answeredAt })) return true;
    return answers.add(result);
  }

  /** Records the outcome of a claimed attempt and changes its delivery. True when this outcome is the one that stands. */
  async function record(
    task: DeliveryTask,
    claimed: AttemptRecord,
    outcome: Outcome,
    passage: Passage,
    write = (result: AttemptResult) => answers.add(result),
  ): Promise<boolean> {
    const { id, worker, startedAt } = claimed;
    const { expiresAt, deliveryId, endpoint, endpointId } = task;
    const now = clock.now();
    circuits.record(passage, outcome);
    const attempt = attemptOfRun(task);
    const hasFallback = attempt < passage.choices;
    const decision = decide(outcome, { attempt, now, expiresAt, mayHaveGone: mayHaveGone(task), hasFallback, random: parts.random() });
    const result = { id, worker, outcome, answeredAt: now };
    // What was sent ends so whether or not this outcome stands.
    if (settlements && decision.kind === "sent") {
      const stands = await untilRecorded(() => settlements.add({ result, transition: decided(task, decision, now) }));
      failpoint("dispatcher.recorded", task.category);
      return stands;
    }
    const stands = await untilRecorded(() => write(result));
    failpoint("dispatcher.recorded", task.category);
    if (outcome.kind === "endpoint-gone")
      await store.contacts
        // An endpoint that was given outright may be registered all the same.
        .removeGone(task.app, endpointId ?? idOf(endpoint), { goneAt: outcome.goneAt ?? startedAt, startedAt, answeredAt: now })
        .catch((error: unknown) => log.warn({ err: error, deliveryId }, "dead endpoint could not be removed"));
    if (outcome.kind === "rejected" && outcome.learned !== undefined)
      await learn(task, claimed, { kind: outcome.learned, reason: outcome.reason });
    // Another writer recorded an outcome first (the relay, or a new claimant), or ours was written and the confirmation lost, and the relay does the
    // rest. Only an acceptance still changes anything.
    if (!stands && decision.kind !== "sent") return false;
    const end = decision.kind === "failed" || decision.kind === "expired" ? ((await supersededBy(task)) ?? decision) : decision;
    await untilRecorded(() => change(decided(task, end, now)));
    if (end.kind === "retry" && end.reason.code === "misconfigured") parts.setupWaiters?.add({ ...task, attempt: task.attempt + 1 });
    return stands;
  }

  /** Before a retry is given up: whether an attempt that it repeats was accepted after all. */
  async function supersededBy(task: DeliveryTask): Promise<Extract<Decision, { kind: "sent" }> | undefined> {
    const earlier = task.policyResend ? await findAcceptedEarlier(store, task).catch(() => undefined) : undefined;
    return earlier && { kind: "sent", providerRef: earlier.providerRef, reason: SUPERSEDED.reason };
  }

  /** The delivery waits in the store, where its reason can be seen. Returns for how long, in ms. */
  async function handBack(task: DeliveryTask, { waitMs, reason }: Pick<Wait, "waitMs" | "reason">): Promise<number> {
    const now = clock.now();
    const { expiresAt } = task;
    // What it waits for may end within its life: it is tried once more before its expiry.
    const nextAt = Math.min(beforeExpiry({ now, expiresAt, random: parts.random() }, waitMs), expiresAt);
    await deferTo(task, { nextAt, reason });
    if (reason.code === "misconfigured") parts.setupWaiters?.add(task);
    return nextAt - now;
  }

  /** Likewise, until exactly this moment (ms since the epoch). */
  async function deferTo(task: DeliveryTask, wait: { nextAt: number; reason: Reason }): Promise<void> {
    await change(handedBack(task, wait));
  }

  /** Ends the delivery without a call. Its number is claimed by a void attempt, so that no copy of the task sends later. */
  async function endUnclaimed(task: DeliveryTask, outcome: Void, providerRef?: string): Promise<void> {
    const now = clock.now();
    if (await claims.add(voidAttempt(task, worker, outcome, now))) await change(voided(task, outcome, now, providerRef));
  }

  /** The same where the number is claimed by us, and nothing was sent under it. */
  async function endClaimed(task: DeliveryTask, { id, worker }: AttemptRecord, outcome: Void): Promise<void> {
    const now = clock.now();
    await untilRecorded(() => answers.add({ id, worker, outcome, answeredAt: now }));
    const end = await supersededBy(task);
    await untilRecorded(() => change(end ? decided(task, end, now) : voided(task, outcome, now)));
  }

  /** Repeats a write while the store is unavailable, up to RECORD_MS. */
  async function untilRecorded(write: () => Promise<boolean>): Promise<boolean> {
    const giveUpAt = clock.monotonic() + RECORD_MS;
    for (;;) {
      try {
        const written = await write();
        state.works();
        return written;
      } catch (error) {
        if (clock.monotonic() >= giveUpAt) throw error;
        state.fails({ err: error });
        await clock.sleep(RECORD_AGAIN_MS);
      }
    }
  }

  return { change, claim, record, handBack, deferTo, endUnclaimed, endClaimed };
}
