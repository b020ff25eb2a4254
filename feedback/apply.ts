import { StoreError } from "../adapters/store/store-error.ts";
import { accountNameOf } from "../core/delivery/account.ts";
import { applyTransitions } from "../core/delivery/apply-transitions.ts";
import type { Delivery, NotificationRecord } from "../core/delivery/notification.ts";
import { type Receipt, receiptEffect, resolutionOf } from "../core/delivery/receipt.ts";
import type { Failpoint } from "../core/failpoints.ts";
import { type AttemptRecord, attemptId, deliveryIdOf, notificationIdOf } from "../core/ports/attempt-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { EventRecorder } from "../core/ports/event-recorder.ts";
import type { Store } from "../core/ports/store.ts";
import { inParallel } from "../runtime/in-parallel.ts";
import type { Logger } from "../runtime/logger.ts";
import type { FeedbackMetrics } from "./metrics.ts";

/** Deliveries of one webhook worked on at once; a webhook may hold a thousand receipts, and is answered within 10 s. */
const CONCURRENCY = 32;
/** How often a delivery that changed meanwhile is read again. After that the webhook fails, and the provider repeats it. */
const APPLY_TRIES_MAX = 5;

export interface ReceiptParts {
  store: Pick<Store, "attempts" | "notifications">;
  recorder: EventRecorder;
  clock: Clock;
  log: Logger;
  /** Unique per process. */
  worker: string;
  failpoint: Failpoint;
  metrics: FeedbackMetrics;
  /** Keeps what a receipt says of the recipient. Rejects with a StoreError while the store is unavailable. */
  learn(receipt: Receipt, notification: NotificationRecord, delivery: Delivery): Promise<void>;
}

/** The effect of a receipt: it changed something, repeated what was known, or names no attempt of ours. */
export type ReceiptResult = "applied" | "known" | "unknown";

/**
 * Applies receipts in their order; resolves with the result of each once all are durable. Receipts are idempotent: after a crash between two
 * steps, the relay or the provider's repeated webhook finishes them. Rejects when the store is unavailable.
 */
export function createReceipts({ store, recorder, clock, log, worker, failpoint, metrics, learn }: ReceiptParts) {
  return {
    async apply(receipts: readonly Receipt[]): Promise<ReceiptResult[]> {
      failpoint("feedback.received", receipts[0]?.attemptId);
      const attempts = new Map((await store.attempts.find(receipts.map((r) => r.attemptId))).map((a) => [a.id, a]));
      const ours = receipts.filter((r) => isOf(r, attempts.get(r.attemptId)));
      // First the attempts, then the deliveries: after a crash in between, the relay does the rest.
      const resolved = await store.attempts.resolve(ours.map((r) => ({ id: r.attemptId, resolution: resolutionOf(r) })));
      for (const [i, { attemptId: attempt, provider, kind }] of ours.entries())
        if (resolved[i]) log.info({ attempt, provider, receipt: kind, by: "receipt" }, "outcome known");
      failpoint("feedback.resolved", receipts[0]?.attemptId);
      const results = new Map<Receipt, ReceiptResult>();
      // Receipts of one delivery in their order, different deliveries concurrently.
      const byDelivery = [...Map.groupBy(receipts, (r) => deliveryIdOf(r.attemptId)).values()];
      await inParallel(byDelivery, CONCURRENCY, async (mine) => {
        for (const receipt of mine) results.set(receipt, await applyOne(receipt, attempts.get(receipt.attemptId)));
      });
      for (const [{ provider, account, kind }, result] of results)
        metrics.receipts.inc({ provider, kind, result, account: accountNameOf({ account }) });
      failpoint("feedback.changed", receipts[0]?.attemptId);
      return receipts.map((receipt) => results.get(receipt) ?? "unknown");
    },
  };

  async function applyOne(receipt: Receipt, attempt: AttemptRecord | undefined): Promise<ReceiptResult> {
    if (!attempt || !isOf(receipt, attempt)) return "unknown";
    const { deliveryId } = attempt;
    for (let tries = 1; tries <= APPLY_TRIES_MAX; tries++) {
      const notification = await store.notifications.find(notificationIdOf(deliveryId));
      const delivery = notification?.deliveries.find((d) => d.id === deliveryId);
      if (!notification || !delivery) return "known";
      // Once, before the delivery changes: after a crash, the provider's repetition does it.
      if (tries === 1 && receipt.learned) await learn(receipt, notification, delivery);
      const effect = receiptEffect(receipt, attempt, notification, delivery, { worker, now: clock.now() });
      if (effect.kind === "nothing") return "known";
      if (effect.kind === "void") {
        // If a worker claimed it first, that attempt's own outcome decides, and a further retry checks what is known of this one.
        const [ours] = await store.attempts.claim([effect.attempt]);
        if (!ours) return "known";
        log.info({ deliveryId, attempt: attemptId(deliveryId, delivery.attempt) }, "retry voided: an earlier attempt was accepted");
      }
      const [changed] = await applyTransitions(store.notifications, recorder, [effect.transition]);
      if (changed) return "applied";
    }
    throw new StoreError(`too many concurrent changes to delivery ${deliveryId}`);
  }
}

/** Whether the attempt was made with the account that the receipt is from. */
const isOf = (receipt: Receipt, attempt: AttemptRecord | undefined) =>
  attempt?.provider === receipt.provider && accountNameOf(attempt) === accountNameOf(receipt);
