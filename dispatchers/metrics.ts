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
  attempts: metrics.counter("carillon_attempts_total", "Provider calls, by outcome", ["provider", "outcome"]),
  providerSeconds: metrics.histogram("carillon_provider_seconds", "From the claim to the provider's answer", ["provider"]),
  statusQueries: metrics.counter("carillon_status_queries_total", "Status queries to providers about attempts in doubt, by result", [
    "provider",
    "finding",
  ]),
  settled: metrics.counter("carillon_tasks_settled_total", "Tasks consumed, by settlement and reason", ["channel", "settlement", "why"]),
});
