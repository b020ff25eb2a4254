// Checks invariants at the moment of each event, with access to the stored state: some violations leave no trace in the final state.
import { endpointId } from "../../adapters/ids.ts";
import { canonicalForm } from "../../core/content/codec.ts";
import { type Content, contentValues } from "../../core/content/content.ts";
import { type Channel, type ContentPart, contentPart, type NotificationClass } from "../../core/delivery/channel.ts";
import { TASK_STALE_MS } from "../../core/delivery/lifetime.ts";
import { type Delivery, isOpen, type NotificationRecord } from "../../core/delivery/notification.ts";
import { type AttemptRecord, type AttemptResult, attemptId, knownOutcome, notificationIdOf } from "../../core/ports/attempt-store.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import type { DeliveryTask, Settlement } from "../../core/ports/queue.ts";
import { OPT_OUT_BOUND_MS } from "../../core/preferences/opt-out-bound.ts";
import { sha256Hex } from "../../runtime/hash.ts";
import type { CancelJudge } from "./cancel-judge.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { OptOutHistory } from "./opt-out-history.ts";
import type { OwnerHistory } from "./owner-history.ts";
import type { SimulatedProcess } from "./process.ts";
import { PROVIDER_DEADLINE_MS } from "./providers.ts";
import type { Simulation } from "./simulation.ts";
import type { Operators } from "./steering.ts";
import { createTimingJudge, isTimed, type Timing, timedMsMax } from "./timing.ts";

/** More than the clocks of two processes differ by. */
export const SKEW_MS = 5_000;
const hashesOf = (record: NotificationRecord) => Object.values(record.contentHashes ?? {});
const hashOf = (content: Content, part: ContentPart) => sha256Hex(canonicalForm(contentValues({ [part]: content[part] })));
/** What the promise allows to be sent once more while in doubt, in words of its own: critical, and a push whose copy replaces it. */
export const mayBeRepeated = (channel: Channel, notificationClass: NotificationClass): boolean =>
  notificationClass === "critical" || (channel === "fcm" && notificationClass === "transactional");
/** Outcomes of attempts that sent nothing; another attempt may follow. */
const NOT_SENT: ReadonlySet<string> = new Set(["throttled", "unavailable", "misconfigured"]);
const MAY_BE_SENT: ReadonlySet<string | undefined> = new Set([undefined, "accepted", "unanswered"]);

const UNANSWERED = { kind: "unanswered" } as const;

export interface InvariantChecker {
  /** A provider call starts. */
  callStarted(process: SimulatedProcess, delivery: OutboundDelivery, provider: string): void;
  /** The provider's answer reached the process. */
  callAnswered(delivery: OutboundDelivery): void;
  /** The store confirmed that these were claimed, or that their outcome was written. */
  applied(what: "claim" | "outcome", ids: readonly string[]): void;
  /** The store did not confirm these claims: it may write them yet, and nothing is sent under them. */
  claimUnconfirmed(attempts: readonly AttemptRecord[]): void;
  /** The store answered whether it inserted these. */
  claimAnswered(attempts: readonly AttemptRecord[]): void;
  /** The store answered a process that wrote these outcomes. */
  outcomeAnswered(process: SimulatedProcess, results: readonly AttemptResult[]): void;
  /** A relay declares the workers of these attempts lost. */
  declaredLost(process: SimulatedProcess, ids: readonly string[]): void;
  /** A dispatcher found no content under this hash. */
  contentMissing(hash: string): void;
  /** Contents were purged, or may have been. */
  purged(): void;
  /** The world has ended. */
  ended(): void;
  /** A dispatcher starts a task. Call the result with the task's settlement. */
  taskStarted(process: SimulatedProcess, task: DeliveryTask): (settlement: Settlement) => void;
}

export function createInvariantChecker(
  simulation: Simulation,
  store: MemoryStore,
  {
    optOutHistory,
    owners,
    timing,
    cancels,
    operators,
  }: { optOutHistory: OptOutHistory; owners: OwnerHistory; timing: Timing; cancels: CancelJudge; operators: Operators | undefined },
): InvariantChecker {
  const calls = new Map<string, { process: SimulatedProcess; answered: boolean }>();
  /** Copies of a task that one process handles at the same time, by process and attempt. */
  const inFlight = new Map<string, Set<{ alone: boolean }>>();
  const appliedWrites = new Set<string>();
  /** Claims that were not confirmed, by worker and id; and those of which an outcome was then written before they were there, with the process. */
  const unconfirmed = new Set<string>();
  const early = new Map<string, SimulatedProcess>();
  const claimOf = ({ id, worker }: Pick<AttemptResult, "id" | "worker">) => `${worker} ${id}`;
  const { time } = simulation;
  const judgeTiming = createTimingJudge(simulation, store, timing);

  function judgeTimes(process: SimulatedProcess, delivery: OutboundDelivery, attempt: AttemptRecord, sendAt: number): void {
    const id = delivery.attemptId;
    const now = process.clock.now();
    if (now >= delivery.expiresAt) simulation.broken("2 nothing is sent once it has expired", id);
    if (now + PROVIDER_DEADLINE_MS > attempt.deadlineAt) simulation.broken("3 no call starts too late after its claim", id);
    if (time.now() < sendAt - SKEW_MS) simulation.broken("2 nothing is sent before its time", id);
    if (attempt.outcome) simulation.broken("3 no call for an attempt that has an outcome", id);
  }

  /** @param runStart of the delivery: the attempts before it belong to runs that an operator followed by another one */
  function judgeEarlier(delivery: OutboundDelivery, attempt: AttemptRecord, runStart = 1): void {
    const earlier = Array.from({ length: attempt.number - 1 }, (_, i) => store.attempts.inside.get(attemptId(attempt.deliveryId, i + 1)));
    const open = earlier.filter((a) => !NOT_SENT.has((a && knownOutcome(a)?.kind) ?? ""));
    const ofRun = open.filter((a) => !a || a.number >= runStart);
    if (ofRun.some((a) => !a || !MAY_BE_SENT.has(knownOutcome(a)?.kind)))
      simulation.broken("3 no attempt after a final outcome", delivery.attemptId);
    // Only a redrive of what may have been sent, which it counts, may follow that.
    const maySend = open.filter((a) => a && MAY_BE_SENT.has(knownOutcome(a)?.kind) && (a.redrive ?? 0) === (attempt.redrive ?? 0));
    const allowed = attempt.policyResend && mayBeRepeated(delivery.channel, delivery.notificationClass) ? 1 : 0;
    if (maySend.length > allowed) simulation.broken("3 no attempt after one that may have been sent", delivery.attemptId);
  }

  /** Notifications that may still be sent, by simulated time and not by the clock of a process, which may have jumped. */
  function* stillToSend(): Iterable<NotificationRecord> {
    for (const record of store.notifications.inside.values())
      if (record.expiresAt > time.now() && record.deliveries.some(({ state }) => isOpen(state))) yield record;
  }

  /** Its task was taken from the queue, and no other copy was published; but the store does not say why it waits. */
  /** It is in the store with the reason for which it waits, whichever copy of its task wrote that: one whose write is slow is overtaken by another one. */
  function saysWhyItWaits({ state, reason }: Delivery): boolean {
    const detail = reason?.detail ?? "";
    const isHandedBack = detail.startsWith("circuit open") || detail === "preferences-unreadable";
    return isTimed(reason?.code) || reason?.code === "paused" || (state === "pending" && isHandedBack);
  }

  function isLeftBehind({ notificationId, deliveryId, attempt, publication }: DeliveryTask): boolean {
    const d = store.notifications.inside.get(notificationId)?.deliveries.find(({ id }) => id === deliveryId);
    const isCurrent = d?.state === "pending" && d.attempt === attempt && d.publishCount === publication + 1;
    return isCurrent && !saysWhyItWaits(d);
  }

  /**
   * It waits for the end of quiet hours or a window of a cap, as a repetition under its own reason; or a later copy was published, and that one counts; or a late
   * write said that an earlier copy was not published, which made it due.
   */
  function isDeferred({ notificationId, deliveryId, publication }: DeliveryTask): boolean {
    const d = store.notifications.inside.get(notificationId)?.deliveries.find(({ id }) => id === deliveryId);
    if (d?.reason?.code === "paused") simulation.happened("delivery paused");
    return (
      d !== undefined &&
      (saysWhyItWaits(d) ||
        (d.state === "pending" && d.publishCount <= publication) ||
        (timedMsMax(timing) > 0 && (d.policyResend === true || d.publishCount > publication + 1)) ||
        (timing.steered && d.publishCount > publication + 1))
    );
  }

  function judgeContent({ attemptId: id, channel, content }: OutboundDelivery, record: NotificationRecord): void {
    const part = contentPart(channel);
    const hash = record.contentHashes?.[part];
    const expected = hash ?? hashOf(record.content, part);
    if (content[part] === undefined || hashOf(content, part) !== expected) simulation.broken("2 what is sent is what was accepted", id);
  }

  function judgeRecipient({ attemptId: id, endpoint, notificationClass }: OutboundDelivery, { recipient }: NotificationRecord): void {
    // A change of an endpoint's user takes effect as soon as an opt-out.
    const at = time.now() - OPT_OUT_BOUND_MS;
    const to = endpointId(endpoint);
    if (recipient.kind === "user" && owners.lostSince(to, recipient.userId, at))
      simulation.broken("7 nothing is sent to an endpoint that is no longer the recipient's", id);
    // Critical notifications are sent when preferences are unavailable, which happens in the simulation.
    if (notificationClass === "critical") return;
    const users = recipient.kind === "user" ? [recipient.userId] : owners.ownersSince(to, at);
    if (users.some((user) => optOutHistory.optedOutSince(user, at))) simulation.broken("4 an opt-out is honoured", id);
  }

  return {
    callStarted(process, delivery, provider) {
      const { attemptId: id, deliveryId } = delivery;
      const attempt = store.attempts.inside.get(id);
      const record = store.notifications.inside.get(notificationIdOf(deliveryId));
      if (!record) return simulation.broken("1 only stored notifications are sent", id);
      if (!attempt) return simulation.broken("3 no call without a claim", id);
      if (calls.has(id)) simulation.broken("3 one call per attempt", id);
      calls.set(id, { process, answered: false });
      judgeContent(delivery, record);
      judgeEarlier(delivery, attempt, record.deliveries.find(({ id }) => id === deliveryId)?.runStart);
      judgeTimes(process, delivery, attempt, record.sendAt);
      judgeRecipient(delivery, record);
      cancels.callStarted(delivery);
      operators?.judge(process, delivery, provider, record);
      const { recipient, category } = record;
      const userId = recipient.kind === "user" ? recipient.userId : undefined;
      judgeTiming(delivery, { userId, category, clockNow: process.clock.now() });
    },

    callAnswered({ attemptId: id }) {
      const call = calls.get(id);
      if (call) call.answered = true;
    },

    applied(what, ids) {
      for (const id of ids) {
        if (appliedWrites.has(`${what} ${id}`)) simulation.broken(`3 one ${what} per attempt`, id);
        appliedWrites.add(`${what} ${id}`);
      }
    },

    claimUnconfirmed(attempts) {
      for (const attempt of attempts) {
        unconfirmed.add(claimOf(attempt));
        // Its number could not be taken with its outcome either.
        if (attempt.outcome) early.delete(claimOf(attempt));
      }
    },

    claimAnswered(attempts) {
      // Its number was taken with its outcome; or its claim was written and, because that took long, declared lost.
      for (const attempt of attempts) if (store.attempts.inside.get(attempt.id)?.outcome) early.delete(claimOf(attempt));
    },

    outcomeAnswered(process, results) {
      for (const result of results)
        if (unconfirmed.has(claimOf(result)) && store.attempts.inside.get(result.id)?.worker !== result.worker)
          early.set(claimOf(result), process);
    },

    declaredLost(process, ids) {
      for (const id of ids) {
        const attempt = store.attempts.inside.get(id);
        if (attempt && process.clock.now() < attempt.deadlineAt + SKEW_MS)
          simulation.broken("2 no worker is declared lost before its deadline", id);
      }
    },

    contentMissing(hash) {
      for (const record of stillToSend())
        if (hashesOf(record).includes(hash)) simulation.broken("2 a content is kept as long as it is used", record.id);
    },

    purged() {
      for (const record of stillToSend())
        for (const hash of hashesOf(record))
          if (!store.contents.inside.has(record.app, hash)) simulation.broken("2 a content is kept as long as it is used", record.id);
    },

    ended() {
      for (const attempt of store.attempts.inside.values())
        if (early.get(claimOf(attempt))?.dead === false && (attempt.outcome ?? UNANSWERED).kind === "unanswered")
          simulation.broken("2 what was known not to be sent is not in doubt", attempt.id);
    },

    taskStarted(process, task) {
      const id = attemptId(task.deliveryId, task.attempt);
      const key = `${process.name} ${id}`;
      const copies = inFlight.get(key) ?? new Set();
      const copy = { alone: copies.size === 0 && !calls.has(id) };
      for (const other of copies) other.alone = false;
      inFlight.set(key, copies.add(copy));
      return (settlement) => {
        copies.delete(copy);
        const isStale = task.expiresAt <= process.clock.now() - TASK_STALE_MS;
        if (settlement.kind !== "ack" || task.statusQuery || isStale) return;
        const attempt = store.attempts.inside.get(id);
        if (settlement.waitsMs !== undefined && !attempt) {
          simulation.happened("delivery handed back");
          if (isLeftBehind(task)) simulation.broken("2 what is handed back says why it waits", id);
          return;
        }
        if (!attempt && isDeferred(task)) return simulation.happened("delivery deferred");
        if (!attempt) simulation.broken("2 what is acknowledged was claimed", id);
        const call = calls.get(id);
        // Without another copy, this one made the call.
        if (copy.alone && call?.process === process && call.answered && attempt && !knownOutcome(attempt))
          simulation.broken("2 what is acknowledged was recorded", id);
      };
    },
  };
}
