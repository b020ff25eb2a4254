import { applyTransitions } from "../core/delivery/apply-transitions.ts";
import type { Channel } from "../core/delivery/channel.ts";
import { reason } from "../core/delivery/reason.ts";
import { voided } from "../core/delivery/transitions.ts";
import { type Void, voidAttempt } from "../core/delivery/void-attempt.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { EventRecorder } from "../core/ports/event-recorder.ts";
import type { DeliveryTask, Settlement } from "../core/ports/queue.ts";
import type { Store } from "../core/ports/store.ts";
import type { Logger } from "../runtime/logger.ts";
import type { DispatchMetrics } from "./metrics.ts";

export interface ContentLostParts {
  channel: Channel;
  store: Pick<Store, "attempts" | "notifications">;
  recorder: EventRecorder;
  worker: string;
  clock: Clock;
  log: Logger;
  metrics: DispatchMetrics;
}

/**
 * Ends a delivery as failed of which the store has a part no more: it was written before what refers to it and is kept longer, so a missing one means
 * a defect, or a store that was changed by hand.
 * @param detail what is missing; absent: the content
 */
export type EndContentLost = (task: DeliveryTask, detail?: string) => Promise<Settlement>;

export function createContentLost({ channel, store, recorder, worker, clock, log, metrics }: ContentLostParts): EndContentLost {
  return async (task, detail) => {
    const { deliveryId, contentHash } = task;
    log.error({ deliveryId, channel, contentHash, detail }, "content is not in the store; the delivery fails");
    const lost: Void = { kind: "void", state: "failed", reason: reason("content-lost", detail) };
    const now = clock.now();
    // Claims the attempt without a call, so that no copy of the task makes one; then the delivery ends.
    const [ours] = await store.attempts.claim([voidAttempt(task, worker, lost, now)]);
    if (ours) await applyTransitions(store.notifications, recorder, [voided(task, lost, now)]);
    metrics.settled.inc({ channel, settlement: "ack", why: "content-lost" });
    return { kind: "ack" };
  };
}
