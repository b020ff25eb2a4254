import type { Content } from "../core/content/content.ts";
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
import { createStateLog } from "../runtime/state-log.ts";
import { createContentCache } from "./content-cache.ts";
import type { DispatchMetrics } from "./metrics.ts";
import type { Dispatch } from "./needs-guard.ts";

/** Until a task whose content could not be read is redelivered, in ms. */
export const CONTENT_UNREADABLE_WAIT_MS = 2_000;

const CONTENT_LOST: Void = { kind: "void", state: "failed", reason: reason("content-lost") };

export interface ContentLoaderParts {
  channel: Channel;
  store: Pick<Store, "contents" | "attempts" | "notifications">;
  recorder: EventRecorder;
  worker: string;
  clock: Clock;
  log: Logger;
  metrics: DispatchMetrics;
}

/**
 * Reads a task's content where the task only refers to it, before anything is claimed. While the store cannot be read, the task returns to
 * the queue. A missing content ends the delivery as failed: contents are written before what refers to them and kept longer, so a missing one means
 * a defect, or a store that was changed by hand.
 */
export function createContentLoader(dispatch: Dispatch, parts: ContentLoaderParts): Dispatch {
  const { channel, store, recorder, worker, clock, log, metrics } = parts;
  const cache = createContentCache(store.contents);
  const state = createStateLog(
    log,
    { lost: "contents cannot be read; their tasks return to the queue", back: "contents can be read again" },
    clock.monotonic,
  );

  return async (task, holder) => {
    const { app, contentHash, deliveryId, statusQuery } = task;
    // An expired task is not sent, and its content may have been purged.
    if (contentHash === undefined || (!statusQuery && task.expiresAt <= clock.now())) return dispatch(task, holder);
    let content: Content | undefined;
    try {
      content = await cache.get(app, contentHash);
      state.works();
    } catch (error) {
      state.fails({ err: error });
      return settled({ kind: "nak", delayMs: CONTENT_UNREADABLE_WAIT_MS }, "content-unreadable");
    }
    // A status query may do without its content.
    if (content || statusQuery) return dispatch({ ...task, content: content ?? {} }, holder);
    log.error({ deliveryId, channel, contentHash }, "content is not in the store; the delivery fails");
    await fail(task);
    return settled({ kind: "ack" }, "content-lost");
  };

  /** Claims the attempt without a call, so that no copy of the task makes one; then the delivery ends. */
  async function fail(task: DeliveryTask): Promise<void> {
    const now = clock.now();
    const [ours] = await store.attempts.claim([voidAttempt(task, worker, CONTENT_LOST, now)]);
    if (ours) await applyTransitions(store.notifications, recorder, [voided(task, CONTENT_LOST, now)]);
  }

  function settled(settlement: Settlement, why: string): Settlement {
    metrics.settled.inc({ channel, settlement: settlement.kind, why });
    return settlement;
  }
}
