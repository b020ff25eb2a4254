import { END_STATES, type EndState } from "./notification.ts";

/**
 * What a delivery's end is counted under. Reasons in a record go on after the first colon, with a provider's own words; those are for the log
 * and for `carillon dead list`.
 */
export const END_REASONS = [
  "none",
  ...["no-endpoint", "opted-out"],
  ...["expired", "throttled", "unavailable", "misconfigured"],
  ...["endpoint-gone", "rejected", "attempts-exhausted", "outcome-unknown", "undelivered", "poison"],
  ...["earlier-attempt-arrived", "warning", "other"],
] as const;
export type EndReason = (typeof END_REASONS)[number];

const KNOWN = new Map<string, EndReason>([
  ...END_REASONS.map((reason) => [reason, reason] as const),
  ["an earlier attempt arrived", "earlier-attempt-arrived"],
]);

/** One of END_REASONS, whatever the text. */
export function endReason(state: EndState, reason: string | undefined): EndReason {
  if (reason === undefined || reason === "") return "none";
  const known = KNOWN.get(reason.split(":", 1)[0] ?? "");
  return known ?? (state === "sent" || state === "delivered" ? "warning" : "other");
}

export const isEnd = (state: string | undefined): state is EndState => END_STATES.some((end) => end === state);
