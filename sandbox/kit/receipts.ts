import { createWatchers } from "./watchers.ts";

/** A report on an attempt, sent to the receiver of webhooks or of bounces. */
export interface SentReceipt {
  attemptId: string;
  kind: "accepted" | "delivered" | "delayed" | "undelivered";
  /** The provider's code; undefined where the receipt has none, or its most common one. */
  reason?: string | undefined;
  /** When the receiver took it or the sandbox gave it up; ms since the epoch. */
  at: number;
  /** The receiver answered 2xx (250 by LMTP). */
  taken: boolean;
}

/** What the sandbox reported. */
export interface Receipts {
  add(receipt: SentReceipt): void;
  /** In their order. */
  of(attemptId: string): readonly SentReceipt[];
  /** Calls `told` for each receipt from now on. Returns a function that ends it. */
  watch(told: (receipt: SentReceipt) => void): () => void;
}

/** Attempts whose receipts are remembered, at roughly 300 bytes each; the oldest are forgotten. */
const ATTEMPTS_MAX = 10_000;
/** Receipts of one attempt; a long text has several, one for each of its parts. */
const PER_ATTEMPT_MAX = 20;

export function createReceipts(): Receipts {
  const kept = new Map<string, SentReceipt[]>();
  const { tell, watch } = createWatchers<[receipt: SentReceipt]>();
  return {
    add(receipt) {
      const own = kept.get(receipt.attemptId) ?? [];
      if (own.length < PER_ATTEMPT_MAX) own.push(receipt);
      kept.set(receipt.attemptId, own);
      const oldest = kept.keys().next();
      if (kept.size > ATTEMPTS_MAX && !oldest.done) kept.delete(oldest.value);
      tell(receipt);
    },
    of: (attemptId) => kept.get(attemptId) ?? [],
    watch,
  };
}
