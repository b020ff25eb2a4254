// What the answers of cancelling promise: what was answered as cancelled never reaches a provider, and nothing is repeated after any answer.
import type { CancelledDelivery } from "../../core/delivery/cancel.ts";
import { isOpen } from "../../core/delivery/notification.ts";
import { type AttemptRecord, attemptId, knownOutcome, notificationIdOf } from "../../core/ports/attempt-store.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { Simulation } from "./simulation.ts";

/** What the answers promised; judged at each call, and at the end. */
export interface CancelJudge {
  answered(results: readonly CancelledDelivery[]): void;
  callStarted(delivery: OutboundDelivery): void;
  /** @param taken how often providers accepted each delivery */
  ended(taken: ReadonlyMap<string, number>): void;
}

export function createCancelJudge(simulation: Simulation, store: MemoryStore): CancelJudge {
  /** By delivery: the highest attempt number that a worker had claimed when its cancelling was answered. */
  const lastNumbers = new Map<string, number>();
  const cancelled = new Set<string>();
  const find = (id: string) => store.notifications.inside.get(notificationIdOf(id))?.deliveries.find((d) => d.id === id);

  function claimedOf(id: string, upTo: number): AttemptRecord[] {
    const all = Array.from({ length: upTo }, (_, i) => store.attempts.inside.get(attemptId(id, i + 1)));
    return all.filter((a) => a !== undefined).filter(({ outcome }) => outcome?.kind !== "void");
  }

  return {
    answered(results) {
      for (const { delivery, outcome } of results) {
        const { id } = delivery;
        simulation.happened(`cancel answered: ${outcome}`);
        const now = find(id);
        const claimed = now ? claimedOf(id, now.attempt + 1) : [];
        lastNumbers.set(id, Math.min(lastNumbers.get(id) ?? Number.POSITIVE_INFINITY, Math.max(0, ...claimed.map((a) => a.number))));
        if (outcome === "cancelled") cancelled.add(id);
        if (outcome === "cancelled" && now?.state !== "cancelled") simulation.broken("8 what is answered as cancelled is", id);
        const isAccepted = claimed.some((a) => knownOutcome(a)?.kind === "accepted");
        if (outcome === "too-late" && now && isOpen(now.state) && !isAccepted)
          simulation.broken("8 what is too late to cancel has ended", id);
      }
    },
    callStarted({ deliveryId, attemptId: id }) {
      const number = store.attempts.inside.get(id)?.number ?? 0;
      if (cancelled.has(deliveryId)) simulation.broken("8 what was answered as cancelled is not sent", id);
      if (number > (lastNumbers.get(deliveryId) ?? Number.POSITIVE_INFINITY))
        simulation.broken("8 nothing is repeated after it was cancelled", id);
    },
    ended(taken) {
      for (const id of cancelled) {
        if ((taken.get(id) ?? 0) > 0) simulation.broken("8 what was answered as cancelled never arrives", id);
        if (find(id)?.state !== "cancelled") simulation.broken("8 what was cancelled stays so", id);
      }
      for (const { deliveries } of store.notifications.inside.values())
        for (const { id, state } of deliveries)
          if (state === "cancelled" && (taken.get(id) ?? 0) > 0) simulation.broken("8 what was sent does not end as cancelled", id);
    },
  };
}
