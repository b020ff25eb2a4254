import type { Channel } from "../core/delivery/channel.ts";
import { unknownNeeds } from "../core/delivery/needs.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { DeliveryTask, Settlement } from "../core/ports/queue.ts";
import type { Logger } from "../runtime/logger.ts";
import type { DispatchMetrics } from "./metrics.ts";

/** Until the task is redelivered, perhaps to a newer dispatcher: during a rolling upgrade pods are replaced within seconds to minutes. */
export const UNKNOWN_NEED_WAIT_MS = 5_000;
/** Between two log lines about it, per process: a whole queue may need what this version does not know. */
export const UNKNOWN_NEED_LOG_MS = 60_000;

export type Dispatch = (task: DeliveryTask, holder: string) => Promise<Settlement>;

export interface NeedsGuardParts {
  channel: Channel;
  clock: Clock;
  log: Logger;
  metrics: DispatchMetrics;
}

/**
 * Returns a task to the queue that a newer version published and that needs something this version does not know. Nothing is claimed and nothing is sent;
 * where no newer dispatcher comes, the relay ends the delivery when it expires.
 */
export function createNeedsGuard(dispatch: Dispatch, { channel, clock, log, metrics }: NeedsGuardParts): Dispatch {
  let loggedAt = Number.NEGATIVE_INFINITY;
  let givenBack = 0;

  return async (task, holder) => {
    const needs = unknownNeeds(task.needs);
    // Ending what has expired needs nothing: nothing is sent. Given back, it would stay in the consumer's ack pending for ever.
    if (needs.length === 0 || (!task.statusQuery && task.expiresAt <= clock.now())) return dispatch(task, holder);
    givenBack++;
    const now = clock.monotonic();
    if (now - loggedAt >= UNKNOWN_NEED_LOG_MS) {
      log.warn({ deliveryId: task.deliveryId, channel, needs, givenBack }, "task needs a newer dispatcher; returning it to the queue");
      loggedAt = now;
      givenBack = 0;
    }
    // The relay publishes the next status query by itself.
    const settlement: Settlement = task.statusQuery ? { kind: "ack" } : { kind: "nak", delayMs: UNKNOWN_NEED_WAIT_MS };
    metrics.settled.inc({ channel, settlement: settlement.kind, why: "unknown-need" });
    return settlement;
  };
}
