import type { DeliveryEvent } from "../delivery/event.ts";

/** Receives the events of deliveries, once the store has confirmed them. Never throws. */
export interface EventRecorder {
  record(events: readonly DeliveryEvent[]): void;
}
