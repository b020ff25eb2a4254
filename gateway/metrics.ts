import type { Counter, Metrics } from "../infra/metrics.ts";

export interface GatewayMetrics {
  accepted: Counter<"class">;
  refused: Counter<"reason">;
}

export const createGatewayMetrics = (metrics: Metrics): GatewayMetrics => ({
  accepted: metrics.counter("carillon_notifications_accepted_total", "Notifications durably accepted", ["class"]),
  refused: metrics.counter("carillon_notifications_refused_total", "Notifications refused on arrival, nothing stored", ["reason"]),
});
