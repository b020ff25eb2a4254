import { accountNameOf } from "../core/delivery/account.ts";
import { decide } from "../core/delivery/decide.ts";
import { type Outcome, reasonOf } from "../core/delivery/outcome.ts";
import { outcomeReason } from "../core/delivery/reason.ts";
import { receiptEffect } from "../core/delivery/receipt.ts";
import { attemptOfRun } from "../core/delivery/task.ts";
import { decided, type Transition } from "../core/delivery/transitions.ts";
import type { Failpoint } from "../core/failpoints.ts";
import { type AttemptRecord, attemptId, knownOutcome } from "../core/ports/attempt-store.ts";
import type { Clock, Random } from "../core/ports/clock.ts";
import type { Finding, Provider } from "../core/ports/provider.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import type { Store } from "../core/ports/store.ts";
import { limitedSignal } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import type { DispatchMetrics } from "./metrics.ts";

/** Findings that end the delivery. None starts another attempt: absence, or a fault on the way, proves nothing. */
const ENDS: ReadonlySet<Outcome["kind"]> = new Set(["accepted", "rejected", "endpoint-gone"]);

export interface StatusQueryParts {
  providers: readonly Provider[];
  store: Pick<Store, "attempts" | "notifications">;
  change(transition: Transition): Promise<boolean>;
  worker: string;
  /** For one query, in ms. */
  deadlineMs: number;
  clock: Clock;
  random: Random;
  log: Logger;
  metrics: DispatchMetrics;
  failpoint: Failpoint;
}

/** Queries the provider about an attempt in doubt and records the finding; without one, the relay publishes another query later. */
export function createStatusQuery({
  providers,
  store,
  change,
  worker,
  deadlineMs,
  clock,
  random,
  log,
  metrics,
  failpoint,
}: StatusQueryParts) {
  return async (task: DeliveryTask): Promise<Finding["kind"] | "needless"> => {
    const { deliveryId, endpoint, content, expiresAt } = task;
    const id = attemptId(deliveryId, task.attempt);
    const [attempt] = await store.attempts.find([id]);
    const provider = providers.find((p) => p.name === attempt?.provider && accountNameOf(p) === accountNameOf(attempt));
    if (!attempt || !provider?.statusQuery || knownOutcome(attempt)?.kind !== "unanswered") return "needless";

    const question = { attemptId: id, deliveryId, endpoint, content, startedAt: attempt.startedAt };
    const finding = await ask(provider, question);
    failpoint("dispatcher.status-queried", task.category);
    const { outcome, reason } =
      finding.kind === "found" ? { outcome: finding.outcome, reason: reasonOf(finding.outcome) } : nothing(finding);
    log.info(
      {
        deliveryId,
        attempt: task.attempt,
        provider: provider.name,
        account: accountNameOf(provider),
        finding: finding.kind,
        outcome: outcome?.kind,
        reason,
      },
      "status-query",
    );
    metrics.statusQueries.inc({ provider: provider.name, account: accountNameOf(provider), finding: finding.kind });
    if (!outcome || !ENDS.has(outcome.kind)) return finding.kind === "found" ? "absent" : finding.kind;

    const now = clock.now();
    await store.attempts.resolve([{ id, resolution: { outcome, by: "status-query", at: now } }]);
    failpoint("dispatcher.resolved", task.category);
    const decision = decide(outcome, { attempt: attemptOfRun(task), now, expiresAt, hasFallback: false, random: random() });
    if (!(await change(decided(task, decision, now)))) await foundLate(task, attempt, outcome, now);
    return "found";
  };

  /** The delivery ended meanwhile: its end is upgraded as by a receipt. A retry checks by itself what is known of this attempt. */
  async function foundLate({ notificationId, deliveryId }: DeliveryTask, attempt: AttemptRecord, outcome: Outcome, now: number) {
    if (outcome.kind !== "accepted") return;
    const notification = await store.notifications.find(notificationId);
    const delivery = notification?.deliveries.find((d) => d.id === deliveryId);
    if (!notification || !delivery) return;
    const { id, provider, account } = attempt;
    const receipt = { attemptId: id, provider, account, kind: "accepted", providerRef: outcome.providerRef, at: now } as const;
    const effect = receiptEffect(receipt, attempt, notification, delivery, { worker, now, warning: outcomeReason(outcome) });
    if (effect.kind === "change") await change(effect.transition);
  }

  async function ask(provider: Provider, question: Parameters<NonNullable<Provider["statusQuery"]>>[0]): Promise<Finding> {
    try {
      using ending = limitedSignal(deadlineMs, clock);
      return (await provider.statusQuery?.(question, ending.signal)) ?? { kind: "absent" };
    } catch (error) {
      log.error({ err: error, deliveryId: question.deliveryId, provider: provider.name }, "status query threw");
      return { kind: "unreadable", fault: { code: "adapter-fault" } };
    }
  }
}

const nothing = (finding: Exclude<Finding, { kind: "found" }>) => ({
  outcome: undefined,
  reason: finding.kind === "unreadable" ? finding.fault.code : undefined,
});
