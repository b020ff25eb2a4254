import type { Counter, Metrics } from "../runtime/metrics.ts";

export interface FeedbackMetrics {
  receipts: Counter<"provider" | "kind" | "result" | "account">;
  webhooks: Counter<"provider" | "status" | "account">;
}

export const createFeedbackMetrics = (metrics: Metrics): FeedbackMetrics => ({
  receipts: metrics.counter("carillon_receipts_total", "Receipts from providers, by what they report and what they changed", [
    "provider",
    "kind",
    "result",
    "account",
  ]),
  webhooks: metrics.counter("carillon_webhooks_total", "Webhook requests answered, by HTTP status", ["provider", "status", "account"]),
});
