import { type Outcome, reasonOf } from "../../core/delivery/outcome.ts";
import type { Finding } from "../../core/ports/provider.ts";

export const ABSENT: Finding = { kind: "absent" };

/** The provider accepted the attempt. @param warning its state, where it failed since */
export const found = (providerRef: string, warning?: string): Finding => ({
  kind: "found",
  outcome: { kind: "accepted", providerRef, ...(warning === undefined ? {} : { warning }) },
});

/** @param waitMs until asking again can help */
export const unreadable = (code: string, waitMs?: number): Finding => ({
  kind: "unreadable",
  fault: { code, ...(waitMs === undefined ? {} : { detail: `ask again after ${Math.ceil(waitMs)} ms` }) },
});

/** The status query's own exchange failed: what the outcome would mean for a send does not matter, there is no answer. */
export const brokenOff = (outcome: Outcome): Finding => unreadable(reasonOf(outcome) ?? "unknown");

/** An HTTP error: our credentials, a service the account does not have, too many requests, or a fault of the provider. */
export function rejected(status: number, retryAfterMs: number | undefined): Finding {
  switch (status) {
    case 401:
      return unreadable("status-query-unauthorized");
    case 402:
    case 403:
    case 404:
      return unreadable("status-query-not-enabled");
    case 429:
      return unreadable("status-query-throttled", retryAfterMs);
    default:
      return unreadable(`http-${status}`, retryAfterMs);
  }
}

/** The call budget is used up. @param waitMs until the next call may be made */
export const overBudget = (waitMs: number): Finding => unreadable("status-query-budget", waitMs);
