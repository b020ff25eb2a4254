import type { Counter, Gauge, Metrics } from "../runtime/metrics.ts";

export interface RelayMetrics {
  evaluations: Counter<"kind">;
  publications: Counter<"channel" | "result">;
  lastIteration: Gauge;
}

export const createRelayMetrics = (metrics: Metrics): RelayMetrics => ({
  evaluations: metrics.counter("carillon_relay_evaluations_total", "Due deliveries evaluated, by action", ["kind"]),
  publications: metrics.counter("carillon_relay_publications_total", "Tasks the relay published or failed to publish", [
    "channel",
    "result",
  ]),
  lastIteration: metrics.gauge("carillon_relay_last_iteration_timestamp_seconds", "When the last successful iteration began"),
});
