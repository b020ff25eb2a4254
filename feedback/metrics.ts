import { type DeliveryEnds, deliveryEnds } from "../runtime/delivery-ends.ts";
import type { Counter, Metrics } from "../runtime/metrics.ts";

export interface FeedbackMetrics {
  ended: DeliveryEnds;
  receipts: Counter<"provider" | "kind" | "result" | "account">;
  webhooks: Counter<"provider" | "status" | "account">;
}

export const createFeedbackMetrics = (metrics: Metrics): FeedbackMetrics => ({
  ended: deliveryEnds(metrics),
  receipts: metrics.counter("carillon_receipts_total", "Receipts from providers, by what they report and what they changed", [
    "provider",
    "kind",
    "result",
    "account",
  ]),
  webhooks: metrics.counter("carillon_webhooks_total", "Webhook requests answered, by HTTP status", ["provider", "status", "account"]),
});
