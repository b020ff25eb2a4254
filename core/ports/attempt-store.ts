import type { Delivery, EndState } from "../delivery/notification.ts";
import type { Outcome } from "../delivery/outcome.ts";
import type { Reason } from "../delivery/reason.ts";

/** One call to a provider: claim, intent and log entry in one. Times are ms since the epoch. */
export interface AttemptRecord {
  /** delivery id, "/", number. Its insertion is the claim; the first one wins. */
  id: string;
  deliveryId: string;
  number: number;
  /** The claimant: unique to this claim. */
  worker: string;
  /** Provider name; "" for a void attempt, which made no call. */
  provider: string;
  /** The provider's account; absent in void attempts, and in those of earlier versions, which had DEFAULT_ACCOUNT only. */
  account?: string | undefined;
  startedAt: number;
  /** After this the worker no longer sends. */
  deadlineAt: number;
  policyResend?: boolean | undefined;
  /** Number of the redrive, of a delivery that may have been sent, to which it belongs, from 1; absent before the first. */
  redrive?: number | undefined;
  outcome?: AttemptOutcome | undefined;
  answeredAt?: number | undefined;
  /** The outcome learned from another source, where the outcome is missing or "unanswered". */
  resolution?: Resolution | undefined;
}

/** The outcome of an attempt without an answer, as a receipt or a status query told it. */
export interface Resolution {
  outcome: Outcome;
  by: "receipt" | "status-query";
  /** ms since the epoch. */
  at: number;
}

/** The provider's answer; or "void": the attempt number was used up without a call, so that no stale copy of the task can use it. */
export type AttemptOutcome = Outcome | { kind: "void"; state: EndState; reason: Reason };

/** The outcome of an attempt, to be recorded. */
export interface AttemptResult {
  id: string;
  /** The worker whose claim it must be; undefined: any. */
  worker: string | undefined;
  outcome: AttemptOutcome;
  /** ms since the epoch. */
  answeredAt: number;
}

export interface AttemptStore {
  /** Inserts all, unordered, in one round trip; for each whether this call inserted it. Durable when resolved. */
  claim(attempts: readonly AttemptRecord[]): Promise<boolean[]>;
  /** Records outcomes; the first one recorded stays. For each whether it was stored: false also where `worker` differs from the claim's, unless undefined. */
  record(results: readonly AttemptResult[]): Promise<boolean[]>;
  /** Adds a resolution where the outcome is missing or "unanswered"; the first resolution stays. For each whether it was stored. */
  resolve(results: readonly { id: string; resolution: Resolution }[]): Promise<boolean[]>;
  /**
   * Assigns the provider's reference to this attempt, unless another attempt has it: by its outcome, its resolution or an earlier assignment.
   * True for one attempt only, also with concurrent callers; repeated calls for it stay true until another's outcome or resolution has the reference.
   */
  attribute(provider: string, providerRef: string, attemptId: string): Promise<boolean>;
  /** Those that there are of these ids, in any order. */
  find(ids: readonly string[]): Promise<AttemptRecord[]>;
  /** Ids of up to `limit` attempts of any app that have this reference, of any provider, by their outcome or resolution. */
  withReference(providerRef: string, limit: number): Promise<string[]>;
  /** Every attempt of the notifications with ids from `first` to `last`, both included. For audit. */
  between(first: string, last: string): Promise<AttemptRecord[]>;
}

/** The known outcome of an attempt: the provider's answer, or the resolution where there was none. */
export const knownOutcome = ({ outcome, resolution }: AttemptRecord): AttemptOutcome | undefined => resolution?.outcome ?? outcome;

/** A delivery's id begins with its notification's: 32 hex digits. */
export const notificationIdOf = (deliveryOrAttemptId: string) => deliveryOrAttemptId.slice(0, 32);
/** The delivery's id in the id of an attempt: the part before the slash. */
export const deliveryIdOf = (id: string) => id.slice(0, id.indexOf("/"));
export const attemptId = (deliveryId: string, number: number) => `${deliveryId}/${number}`;
/** The ids of a delivery's latest attempts, at most `max`, the latest first. */
export const attemptIdsOf = ({ id, attempt }: Pick<Delivery, "id" | "attempt">, max: number): string[] =>
  Array.from({ length: Math.min(attempt, max) }, (_, i) => attemptId(id, attempt - i));
