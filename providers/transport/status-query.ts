import { type Outcome, reasonOf } from "../../core/delivery/outcome.ts";
import type { Finding } from "../../core/ports/provider.ts";

export const ABSENT: Finding = { kind: "absent" };

/** The attempt's call was taken. @param warning what the provider says became of it since, where that is no good news */
export const found = (providerRef: string, warning?: string): Finding => ({
  kind: "found",
  outcome: { kind: "accepted", providerRef, ...(warning === undefined ? {} : { warning }) },
});

/** @param waitMs how long asking again is of no use */
export const unreadable = (code: string, waitMs?: number): Finding => ({
  kind: "unreadable",
  fault: { code, ...(waitMs === undefined ? {} : { detail: `ask again after ${Math.ceil(waitMs)} ms` }) },
});

/** The status query's own exchange broke off: whatever that would say of a send, of a status query it says that there is no answer. */
export const brokenOff = (outcome: Outcome): Finding => unreadable(reasonOf(outcome) ?? "unknown");

/** An answer that is none: our credentials, a service the account has not booked, too many questions, or the provider unwell. */
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

/** Where a budget of calls is spent. @param waitMs until the next call may be made */
export const overBudget = (waitMs: number): Finding => unreadable("status-query-budget", waitMs);
