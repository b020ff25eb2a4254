import type { DeliveryEvent } from "../delivery/event.ts";

/** Told what happened to deliveries, once the store has confirmed it. Never throws. */
export interface EventRecorder {
  record(events: readonly DeliveryEvent[]): void;
}
