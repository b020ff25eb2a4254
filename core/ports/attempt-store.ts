import type { Outcome } from "../outcome.ts";

/** One call to a provider: claim, intent and log entry in one. Times are ms since the epoch. */
export interface AttemptRecord {
  /** delivery id, "/", number. Its insertion is the claim; the first one wins. */
  id: string;
  deliveryId: string;
  number: number;
  /** Who claimed it: no two claims have the same. */
  worker: string;
  /** Provider name; "" for a closing that called nobody. */
  provider: string;
  startedAt: number;
  /** After this the worker no longer sends. */
  deadlineAt: number;
  policyResend?: boolean | undefined;
  outcome?: AttemptOutcome | undefined;
  answeredAt?: number | undefined;
}

/** What became of it: the provider's answer, or that the number was closed without a call, so that nobody makes one later. */
export type AttemptOutcome = Outcome | { kind: "closed"; state: "suppressed" | "expired" | "cancelled"; reason: string };

export interface AttemptStore {
  /** Inserts all, unordered, in one round trip; for each whether it is ours. Durable when resolved. */
  claim(attempts: readonly AttemptRecord[]): Promise<boolean[]>;
  /** Records outcomes; the first one recorded stays. For each whether it was taken: false also where `worker` differs from the claim's, unless undefined. */
  record(results: readonly { id: string; worker: string | undefined; outcome: AttemptOutcome; answeredAt: number }[]): Promise<boolean[]>;
  find(ids: readonly string[]): Promise<AttemptRecord[]>;
  /** Every attempt, in no order. For audit. */
  all(): AsyncIterable<AttemptRecord>;
}

export const attemptId = (deliveryId: string, number: number) => `${deliveryId}/${number}`;
