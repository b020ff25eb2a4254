import { StoreError } from "../adapters/store/store-error.ts";
import { accountNameOf } from "../core/delivery/account.ts";
import { type Receipt, receiptEffect, resolutionOf } from "../core/delivery/receipt.ts";
import type { Failpoint } from "../core/failpoints.ts";
import { type AttemptRecord, attemptId, deliveryIdOf, notificationIdOf } from "../core/ports/attempt-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Store } from "../core/ports/store.ts";
import type { Logger } from "../runtime/logger.ts";
import type { FeedbackMetrics } from "./metrics.ts";

/** Deliveries of one webhook worked on at once; a webhook may tell of a thousand, and is answered within 10 s. */
const SIDE_BY_SIDE = 32;
/** How often a delivery that moves on meanwhile is looked at anew; more than it moves within moments. Then the provider is to come again. */
const APPLY_TRIES_MAX = 5;

export interface ReceiptParts {
  store: Pick<Store, "attempts" | "notifications">;
  clock: Clock;
  log: Logger;
  /** Unique per process. */
  worker: string;
  failpoint: Failpoint;
  metrics: FeedbackMetrics;
}

/** What became of a receipt: it changed something, said what was known, or names no attempt of ours. */
export type ReceiptResult = "applied" | "known" | "unknown";

/**
 * Writes down what receipts tell, in their order; for each what became of it, durable when resolved. Each step may be repeated, and a crash
 * between two of them is mended by the relay or by the provider's repetition. Rejects where the store is away.
 */
export function createReceipts({ store, clock, log, worker, failpoint, metrics }: ReceiptParts) {
  return {
    async apply(receipts: readonly Receipt[]): Promise<ReceiptResult[]> {
      failpoint("feedback.received", receipts[0]?.attemptId);
      const attempts = new Map((await store.attempts.find(receipts.map((r) => r.attemptId))).map((a) => [a.id, a]));
      const ours = receipts.filter((r) => isOf(r, attempts.get(r.attemptId)));
      // First the attempts, then the deliveries: what a crash leaves between them, the relay finishes.
      const resolved = await store.attempts.resolve(ours.map((r) => ({ id: r.attemptId, resolution: resolutionOf(r) })));
      for (const [i, { attemptId: attempt, provider, kind }] of ours.entries())
        if (resolved[i]) log.info({ attempt, provider, receipt: kind, by: "receipt" }, "outcome known");
      failpoint("feedback.resolved", receipts[0]?.attemptId);
      const results = new Map<Receipt, ReceiptResult>();
      // Those of one delivery in their order, those of different ones side by side.
      const deliveries = [...Map.groupBy(receipts, (r) => deliveryIdOf(r.attemptId)).values()];
      const next = async () => {
        for (let mine = deliveries.pop(); mine; mine = deliveries.pop())
          for (const receipt of mine) results.set(receipt, await applyOne(receipt, attempts.get(receipt.attemptId)));
      };
      await Promise.all(Array.from({ length: SIDE_BY_SIDE }, next));
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
      if (!delivery) return "known";
      const effect = receiptEffect(receipt, attempt, delivery, { worker, now: clock.now() });
      if (effect.kind === "nothing") return "known";
      if (effect.kind === "void") {
        // Whoever claimed it first is at work: its own outcome decides, and a further repetition asks what is known of this attempt.
        const [ours] = await store.attempts.claim([effect.attempt]);
        if (!ours) return "known";
        log.info({ deliveryId, attempt: attemptId(deliveryId, delivery.attempt) }, "not repeated: the attempt before arrived");
      }
      const [changed] = await store.notifications.change([effect.change]);
      if (changed) {
        metrics.ended(delivery.channel, effect.change.set);
        return "applied";
      }
    }
    throw new StoreError(`delivery ${deliveryId} does not keep still`);
  }
}

/** One account's webhook says nothing about another's attempts. */
const isOf = (receipt: Receipt, attempt: AttemptRecord | undefined) =>
  attempt?.provider === receipt.provider && accountNameOf(attempt) === accountNameOf(receipt);
