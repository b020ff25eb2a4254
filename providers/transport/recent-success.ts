import { LRUCache } from "lru-cache";

/** How long an accepted push shows that credentials and setup are right, in ms. */
const RECENT_MS = 600_000;
/** Apps and hosts remembered; Windows alone has dozens of hosts. */
const SCOPES_MAX = 10_000;

/**
 * Some answers mean either "this endpoint is wrong" or "your setup is": a mistyped environment or project makes every endpoint look dead.
 * If another send was accepted recently, the setup is right: of the same app, where it could be another app's endpoints that are wrong for the account.
 */
export interface RecentSuccess {
  accepted(scope: string): void;
  holds(scope: string): boolean;
}

export function createRecentSuccess(): RecentSuccess {
  const lately = new LRUCache<string, true>({ max: SCOPES_MAX, ttl: RECENT_MS });
  return {
    accepted: (scope) => void lately.set(scope, true),
    holds: (scope) => lately.has(scope),
  };
}
