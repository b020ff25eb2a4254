import type { Channel } from "../core/delivery/channel.ts";
import { type Delivery, isEnd } from "../core/delivery/notification.ts";
import type { Metrics } from "./metrics.ts";

/** Counts what was just written about a delivery, where that ended it. */
export type DeliveryEnds = (channel: Channel, written: Partial<Pick<Delivery, "state" | "reason">>) => void;

export function deliveryEnds(metrics: Metrics): DeliveryEnds {
  const ends = metrics.counter(
    "carillon_deliveries_ended_total",
    "Deliveries that reached an end state, by state and reason; one that a receipt or a redrive moves to another end state counts again",
    ["channel", "state", "reason"],
  );
  return (channel, { state, reason }) => {
    if (isEnd(state)) ends.inc({ channel, state, reason: reason?.code ?? "none" });
  };
}
