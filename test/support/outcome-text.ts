import { type Outcome, reasonOf } from "../../core/delivery/outcome.ts";

/** "misconfigured region-not-enabled (destination-country)": the kind, the reason, and what else than the account the answer is about. */
export function outcomeText(outcome: Outcome): string {
  const scope = "scope" in outcome && outcome.scope !== undefined ? ` (${outcome.scope})` : "";
  return `${outcome.kind} ${reasonOf(outcome)}${scope}`;
}
