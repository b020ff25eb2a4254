import { LRUCache } from "lru-cache";

/** How long an accepted push proves that credentials and setup are right, in ms. */
const PROOF_MS = 600_000;
/** Hosts remembered; Windows alone has dozens. */
const PROOFS_MAX = 1_000;

/**
 * Some answers mean either "this endpoint is wrong" or "your setup is": a mistyped environment or project makes every endpoint look dead.
 * What tells them apart is whether anything else was accepted lately.
 */
export interface Proof {
  accepted(scope: string): void;
  holds(scope: string): boolean;
}

export function createRecentSuccess(): Proof {
  const lately = new LRUCache<string, true>({ max: PROOFS_MAX, ttl: PROOF_MS });
  return {
    accepted: (scope) => void lately.set(scope, true),
    holds: (scope) => lately.has(scope),
  };
}
