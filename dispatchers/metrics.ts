import type { Counter, Gauge, Histogram, Metrics } from "../runtime/metrics.ts";

export interface DispatchMetrics {
  attempts: Counter<"provider" | "outcome" | "account">;
  providerSeconds: Histogram<"provider" | "account">;
  statusQueries: Counter<"provider" | "finding" | "account">;
  settled: Counter<"channel" | "settlement" | "why">;
  circuits: Gauge<"provider" | "account" | "part">;
  withoutUnsubscribe: Counter<"class">;
}

export const createDispatchMetrics = (metrics: Metrics): DispatchMetrics => ({
  attempts: metrics.counter("carillon_attempts_total", "Provider calls, by outcome", ["provider", "outcome", "account"]),
  providerSeconds: metrics.histogram("carillon_provider_seconds", "From the claim to the provider's answer", ["provider", "account"]),
  statusQueries: metrics.counter("carillon_status_queries_total", "Status queries to providers about attempts in doubt, by result", [
    "provider",
    "finding",
    "account",
  ]),
  settled: metrics.counter("carillon_tasks_settled_total", "Tasks consumed, by settlement and reason", ["channel", "settlement", "why"]),
  circuits: metrics.gauge(
    "carillon_circuits_open_count",
    "Circuits that are open or half-open, by what the provider's answers were about",
    ["provider", "account", "part"],
  ),
  withoutUnsubscribe: metrics.counter(
    "carillon_mails_without_unsubscribe_total",
    "Mails that should offer to unsubscribe and had no link, because UNSUBSCRIBE_KEYS_FILE is not set",
    ["class"],
  ),
});
