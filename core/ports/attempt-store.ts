import type { EndState } from "../delivery/notification.ts";
import type { Outcome } from "../delivery/outcome.ts";
import type { Reason } from "../delivery/reason.ts";

/** One call to a provider: claim, intent and log entry in one. Times are ms since the epoch. */
export interface AttemptRecord {
  /** delivery id, "/", number. Its insertion is the claim; the first one wins. */
  id: string;
  deliveryId: string;
  number: number;
  /** Who claimed it: no two claims have the same. */
  worker: string;
  /** Provider name; "" for a void attempt, which called nobody. */
  provider: string;
  /** The provider's account; absent in void attempts, and in those of earlier versions, which knew DEFAULT_ACCOUNT alone. */
  account?: string | undefined;
  startedAt: number;
  /** After this the worker no longer sends. */
  deadlineAt: number;
  policyResend?: boolean | undefined;
  /** Which redrive of what may have been sent it belongs to, from 1; absent before any. */
  redrive?: number | undefined;
  outcome?: AttemptOutcome | undefined;
  answeredAt?: number | undefined;
  /** What became known otherwise, where the outcome is missing or "unanswered". */
  resolution?: Resolution | undefined;
}

/** What a receipt or a status query told of an attempt whose answer never came. */
export interface Resolution {
  outcome: Outcome;
  by: "receipt" | "status-query";
  /** ms since the epoch. */
  at: number;
}

/** The provider's answer; or "void": the number was closed without a call, so that no stale copy of the task can use it. */
export type AttemptOutcome = Outcome | { kind: "void"; state: EndState; reason: Reason };

export interface AttemptStore {
  /** Inserts all, unordered, in one round trip; for each whether it is ours. Durable when resolved. */
  claim(attempts: readonly AttemptRecord[]): Promise<boolean[]>;
  /** Records outcomes; the first one recorded stays. For each whether it was taken: false also where `worker` differs from the claim's, unless undefined. */
  record(results: readonly { id: string; worker: string | undefined; outcome: AttemptOutcome; answeredAt: number }[]): Promise<boolean[]>;
  /** Adds what became known later, where the outcome is missing or "unanswered"; the first resolution stays. For each whether it was taken. */
  resolve(results: readonly { id: string; resolution: Resolution }[]): Promise<boolean[]>;
  /**
   * Gives the provider's reference to this attempt, unless another has it: by its outcome or resolution, or because it was given before. Of
   * all processes that ask, one is told true; the same attempt is told so again, until another's outcome or resolution says otherwise.
   */
  attribute(provider: string, providerRef: string, attemptId: string): Promise<boolean>;
  find(ids: readonly string[]): Promise<AttemptRecord[]>;
  /** Every attempt of the notifications with ids from `first` to `last`, both included. For audit. */
  between(first: string, last: string): Promise<AttemptRecord[]>;
}

/** What is known of an attempt: the provider's answer, or what told of it when that never came. */
export const knownOutcome = ({ outcome, resolution }: AttemptRecord): AttemptOutcome | undefined => resolution?.outcome ?? outcome;

/** A delivery's id begins with its notification's: 32 hex digits. */
export const notificationIdOf = (deliveryOrAttemptId: string) => deliveryOrAttemptId.slice(0, 32);
/** What stands before the slash. */
export const deliveryIdOf = (id: string) => id.slice(0, id.indexOf("/"));
export const attemptId = (deliveryId: string, number: number) => `${deliveryId}/${number}`;
