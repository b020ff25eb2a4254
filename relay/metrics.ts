import { type DeliveryEnds, deliveryEnds } from "../runtime/delivery-ends.ts";
import type { Counter, Gauge, Metrics } from "../runtime/metrics.ts";

export interface RelayMetrics {
  ended: DeliveryEnds;
  looks: Counter<"kind">;
  publications: Counter<"channel" | "result">;
  lastTurn: Gauge;
}

export const createRelayMetrics = (metrics: Metrics): RelayMetrics => ({
  ended: deliveryEnds(metrics),
  looks: metrics.counter("carillon_relay_evaluations_total", "Due deliveries evaluated, by action", ["kind"]),
  publications: metrics.counter("carillon_relay_publications_total", "Tasks the relay published or failed to publish", [
    "channel",
    "result",
  ]),
  lastTurn: metrics.gauge("carillon_relay_last_iteration_timestamp_seconds", "When the last successful iteration began"),
});
