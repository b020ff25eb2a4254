import { CLASSES } from "../core/delivery/channel.ts";
import type { CallReason } from "../runtime/call-error.ts";
import type { Counter, Metrics } from "../runtime/metrics.ts";

export interface GatewayMetrics {
  accepted: Counter<"class">;
  rejected: Counter<"reason">;
  overrides: Counter<"provider" | "key">;
}

/** Of which alerts wake somebody. */
const ALERTED: readonly CallReason[] = ["OVERLOADED", "UNAVAILABLE"];

export function createGatewayMetrics(metrics: Metrics): GatewayMetrics {
  const made: GatewayMetrics = {
    accepted: metrics.counter("carillon_notifications_accepted_total", "Notifications durably accepted", ["class"]),
    rejected: metrics.counter("carillon_notifications_rejected_total", "Notifications rejected on arrival, nothing stored", ["reason"]),
    overrides: metrics.counter("carillon_overrides_total", "Fields that accepted notifications override, by provider and outermost key", [
      "provider",
      "key",
    ]),
  };
  // A ratio to what was accepted needs a 0 where everything is rejected: without a series it would be nothing, and alert nobody.
  for (const notificationClass of CLASSES) made.accepted.inc({ class: notificationClass }, 0);
  for (const reason of ALERTED) made.rejected.inc({ reason }, 0);
  return made;
}
