import type { Counter, Gauge, Metrics } from "../runtime/metrics.ts";

export interface RelayMetrics {
  evaluations: Counter<"kind">;
  publications: Counter<"channel" | "result">;
  lastIteration: Gauge;
  outboxOldest: Gauge<"class">;
  outboxDue: Gauge<"class">;
  openDeliveries: Gauge<"channel" | "state" | "reason">;
  purged: Counter<"of">;
  retentionBehind: Gauge<"of">;
  webhookCalls: Counter<"result">;
  webhookGivenUp: Counter;
  webhookOldest: Gauge;
  paused: Gauge<"kind" | "value" | "state">;
  pausedSince: Gauge<"kind" | "value">;
  released: Counter;
}

export const createRelayMetrics = (metrics: Metrics): RelayMetrics => ({
  evaluations: evaluationsOf(metrics),
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
  openDeliveries: metrics.gauge(
    "carillon_open_deliveries_count",
    "Deliveries that have not ended, by the reason why the last attempt did not succeed, or none; uncertain ones are in doubt. Counted by one relay at a time, of the 100,000 open notifications that are due first",
    ["channel", "state", "reason"],
  ),
  purged: metrics.counter("carillon_retention_removed_total", "What was removed because it was older than its retention", ["of"]),
  retentionBehind: metrics.gauge(
    "carillon_retention_behind_seconds",
    "How long the oldest that the last round removed had been kept beyond its retention",
    ["of"],
  ),
  webhookCalls: metrics.counter("carillon_app_webhook_calls_total", "Calls of apps' webhook endpoints, by result", ["result"]),
  webhookGivenUp: metrics.counter(
    "carillon_app_webhook_given_up_total",
    "Events that an app was not told: the last call failed, or its endpoint was disabled",
  ),
  webhookOldest: metrics.gauge(
    "carillon_app_webhook_oldest_seconds",
    "How long ago the oldest change was made that an app is still to be told of; 0 while there is none",
  ),
  paused: metrics.gauge("carillon_paused_count", "1 for each target that operators have paused or drained, or whose wait is being ended", [
    "kind",
    "value",
    "state",
  ]),
  pausedSince: metrics.gauge("carillon_paused_since_timestamp_seconds", "Since when each target is paused or drained", ["kind", "value"]),
  released: metrics.counter("carillon_released_total", "Deliveries made due because what they belonged to was resumed"),
});

/** Abandoned attempts come all at once, where pods die: from a series that begins with them, increase() would tell nothing. */
function evaluationsOf(metrics: Metrics): Counter<"kind"> {
  const counter = metrics.counter("carillon_relay_evaluations_total", "Due deliveries evaluated, by action", ["kind"]);
  counter.inc({ kind: "abandon" }, 0);
  return counter;
}
