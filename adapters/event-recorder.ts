import { isEnd } from "../core/delivery/notification.ts";
import type { EventRecorder } from "../core/ports/event-recorder.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";

/** The one place where events of deliveries are counted and logged. */
export function createEventRecorder({ metrics, log }: { metrics: Metrics; log: Logger }): EventRecorder {
  const counted = metrics.counter("carillon_delivery_events_total", "Events of deliveries, each counted once the store has confirmed it", [
    "event",
    "channel",
  ]);
  const ends = metrics.counter(
    "carillon_deliveries_ended_total",
    "Deliveries that reached an end state, by state and reason; one that a receipt or a redrive moves to another end state counts again",
    ["channel", "state", "reason"],
  );
  return {
    record(events) {
      for (const { kind, channel, state, reason, deliveryId, attempt } of events) {
        counted.inc({ event: kind, channel });
        if (isEnd(state)) ends.inc({ channel, state, reason: reason?.code ?? "none" });
        log.debug({ deliveryId, channel, attempt, event: kind, state, reason }, "delivery event");
      }
    },
  };
}
