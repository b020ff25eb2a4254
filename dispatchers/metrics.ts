import { type DeliveryEnds, deliveryEnds } from "../runtime/delivery-ends.ts";
import type { Counter, Histogram, Metrics } from "../runtime/metrics.ts";

export interface DispatchMetrics {
  ended: DeliveryEnds;
  attempts: Counter<"provider" | "outcome">;
  providerSeconds: Histogram<"provider">;
  statusQueries: Counter<"provider" | "finding">;
  settled: Counter<"channel" | "settlement" | "why">;
}

export const createDispatchMetrics = (metrics: Metrics): DispatchMetrics => ({
  ended: deliveryEnds(metrics),
  attempts: metrics.counter("carillon_attempts_total", "Calls to a provider, by what it answered", ["provider", "outcome"]),
  providerSeconds: metrics.histogram("carillon_provider_seconds", "From the claim to the provider's answer", ["provider"]),
  statusQueries: metrics.counter("carillon_status_queries_total", "Questions to a provider what became of an attempt, by what was found", [
    "provider",
    "finding",
  ]),
  settled: metrics.counter("carillon_tasks_settled_total", "Tasks taken from the queue, by how they were settled and why", [
    "channel",
    "settlement",
    "why",
  ]),
});
