import { type Outcome, reasonOf } from "../../core/delivery/outcome.ts";

/** "misconfigured region-not-enabled (destination-country)": the kind, the reason, what else than the account the answer is about, and what it says of the recipient. */
export function outcomeText(outcome: Outcome): string {
  const scope = "scope" in outcome && outcome.scope !== undefined ? ` (${outcome.scope})` : "";
  const learned = outcome.kind === "rejected" && outcome.learned !== undefined ? ` (learned: ${outcome.learned})` : "";
  return `${outcome.kind} ${reasonOf(outcome)}${scope}${learned}`;
}
