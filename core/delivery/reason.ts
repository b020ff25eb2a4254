import { REFUSALS } from "../preferences/answer.ts";
import { REASON_OF_LEARNED } from "../preferences/learned.ts";
import { type Outcome, type OutcomeKind, reasonOf } from "./outcome.ts";

/** Every reason a delivery or a void attempt can have. docs/reasons.md explains each; programs compare these and nothing else. */
export const REASON_CODES = [
  ...["no-endpoint", ...REFUSALS, "not-supported"],
  ...["expired", "quiet-hours", "cap", "paused", "throttled", "unavailable", "misconfigured"],
  ...["endpoint-gone", "rejected", "attempts-exhausted", "outcome-unknown", "undelivered", "poison", "content-lost"],
  ...["superseded", "redriven", "cancelled", "erased", "warning", "other"],
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];

/** Why a delivery is in its state. */
export interface Reason {
  code: ReasonCode;
  /** For people: the provider's own code, or what went wrong on our side. Never compared. */
  detail?: string;
}

export const isReasonCode = (text: string): text is ReasonCode => REASON_CODES.some((code) => code === text);

/** An absent or empty detail is left out, so that equal reasons are stored equally. */
export const reason = (code: ReasonCode, detail?: string): Reason => (detail ? { code, detail } : { code });

/** What the detail begins with where no call was made because a circuit is open; what follows is what the provider answered last. */
const CIRCUIT_OPEN = "circuit open: ";
export const circuitOpenDetail = (answered: string): string => `${CIRCUIT_OPEN}${answered}`;
/** The detail without what circuitOpenDetail() put before it: the same fault, whether this delivery or another one met it. */
export const faultIn = (detail: string): string => (detail.startsWith(CIRCUIT_OPEN) ? detail.slice(CIRCUIT_OPEN.length) : detail);

/** For logs and terminals. */
export const reasonText = ({ code, detail }: Reason): string => (detail ? `${code}: ${detail}` : code);

const CODES: Readonly<Record<OutcomeKind, ReasonCode>> = {
  accepted: "warning",
  throttled: "throttled",
  unavailable: "unavailable",
  unanswered: "outcome-unknown",
  "endpoint-gone": "endpoint-gone",
  rejected: "rejected",
  misconfigured: "misconfigured",
};

/** The reason that an outcome gives to its delivery; the provider's own code becomes the detail. None for an acceptance without a warning. */
export function outcomeReason(outcome: Outcome): Reason | undefined {
  const detail = reasonOf(outcome);
  if (outcome.kind === "accepted" && detail === undefined) return undefined;
  const learned = outcome.kind === "rejected" ? outcome.learned : undefined;
  return reason(learned ? REASON_OF_LEARNED[learned] : CODES[outcome.kind], detail);
}
