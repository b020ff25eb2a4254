import type { Counter, Metrics } from "../runtime/metrics.ts";

export interface GatewayMetrics {
  accepted: Counter<"class">;
  rejected: Counter<"reason">;
  overrides: Counter<"provider" | "key">;
}

export const createGatewayMetrics = (metrics: Metrics): GatewayMetrics => ({
  accepted: metrics.counter("carillon_notifications_accepted_total", "Notifications durably accepted", ["class"]),
  rejected: metrics.counter("carillon_notifications_rejected_total", "Notifications rejected on arrival, nothing stored", ["reason"]),
  overrides: metrics.counter("carillon_overrides_total", "Fields that accepted notifications override, by provider and outermost key", [
    "provider",
    "key",
  ]),
});
