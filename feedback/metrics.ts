import type { Counter, Metrics } from "../runtime/metrics.ts";

export interface FeedbackMetrics {
  receipts: Counter<"provider" | "kind" | "result" | "account">;
  webhooks: Counter<"provider" | "status" | "account">;
  bounces: Counter<"provider" | "result" | "account">;
  lmtpRejections: Counter<"reason">;
  texts: Counter<"provider" | "account" | "command">;
  replies: Counter<"provider" | "account" | "command" | "result">;
  learned: Counter<"provider" | "account" | "kind" | "state" | "result">;
  unsubscribes: Counter<"what" | "result">;
  preferencePages: Counter<"what" | "result">;
}

export const createFeedbackMetrics = (metrics: Metrics): FeedbackMetrics => ({
  receipts: metrics.counter("carillon_receipts_total", "Receipts from providers, by what they report and what they changed", [
    "provider",
    "kind",
    "result",
    "account",
  ]),
  webhooks: metrics.counter("carillon_webhooks_total", "Webhook requests answered, by HTTP status", ["provider", "status", "account"]),
  bounces: metrics.counter("carillon_bounces_total", "Mails to return paths, by the receipt they became, or ignored, or deferred", [
    "provider",
    "result",
    "account",
  ]),
  lmtpRejections: metrics.counter(
    "carillon_lmtp_rejections_total",
    "Connections, recipients and mails that the LMTP listener rejected, by reason",
    ["reason"],
  ),
  texts: metrics.counter(
    "carillon_inbound_texts_total",
    "Texts from people, by what they ask for: stop, start, help, none; or part of a longer one",
    ["provider", "account", "command"],
  ),
  replies: metrics.counter(
    "carillon_text_replies_total",
    "Replies to people's texts by a call of their own, by what was asked and what came of it; refused: something besides a STOP forbids it; dropped: too many at once",
    ["provider", "account", "command", "result"],
  ),
  learned: metrics.counter(
    "carillon_learned_refusals_total",
    "What receipts say of recipients: stop, complaint, unsubscribe, bounce; by the delivery's state before, delivered where a bounce came late",
    ["provider", "account", "kind", "state", "result"],
  ),
  unsubscribes: metrics.counter(
    "carillon_unsubscribe_requests_total",
    "Requests to links to unsubscribe, by what was asked and what came of it; unknown: the token is forged, or its key is gone",
    ["what", "result"],
  ),
  preferencePages: metrics.counter(
    "carillon_preference_page_requests_total",
    "Requests to links to the page where people choose, by what was asked and what came of it; unknown: the token is old or forged, or its key is gone",
    ["what", "result"],
  ),
});
