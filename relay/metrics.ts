import type { Counter, Gauge, Metrics } from "../runtime/metrics.ts";

export interface RelayMetrics {
  evaluations: Counter<"kind">;
  publications: Counter<"channel" | "result">;
  lastIteration: Gauge;
  outboxOldest: Gauge<"class">;
  outboxDue: Gauge<"class">;
  purged: Counter<"of">;
  retentionBehind: Gauge<"of">;
  paused: Gauge<"kind" | "value" | "state">;
  pausedSince: Gauge<"kind" | "value">;
  released: Counter;
}

export const createRelayMetrics = (metrics: Metrics): RelayMetrics => ({
  evaluations: metrics.counter("carillon_relay_evaluations_total", "Due deliveries evaluated, by action", ["kind"]),
  publications: metrics.counter("carillon_relay_publications_total", "Tasks the relay published or failed to publish", [
    "channel",
    "result",
  ]),
  lastIteration: metrics.gauge("carillon_relay_last_iteration_timestamp_seconds", "When the last successful iteration began"),
  outboxOldest: metrics.gauge(
    "carillon_outbox_oldest_seconds",
    "How long the oldest due notification has waited in the outbox; 0 while none is due",
    ["class"],
  ),
  outboxDue: metrics.gauge("carillon_outbox_due_count", "Notifications due in the outbox, counted up to 100,000 a class", ["class"]),
  purged: metrics.counter("carillon_retention_removed_total", "What was removed because it was older than its retention", ["of"]),
  retentionBehind: metrics.gauge(
    "carillon_retention_behind_seconds",
    "How long the oldest that the last round removed had been kept beyond its retention",
    ["of"],
  ),
  paused: metrics.gauge("carillon_paused_count", "1 for each target that operators have paused or drained, or whose wait is being ended", [
    "kind",
    "value",
    "state",
  ]),
  pausedSince: metrics.gauge("carillon_paused_since_timestamp_seconds", "Since when each target is paused or drained", ["kind", "value"]),
  released: metrics.counter("carillon_released_total", "Deliveries made due because what they belonged to was resumed"),
});
