import type { Clock } from "../core/ports/clock.ts";
import type { Store } from "../core/ports/store.ts";

interface WorkLease {
  /** What one relay does at a time. */
  work: string;
  /** Unique to this process. */
  worker: string;
  /** How long one relay has the work, in ms; another one takes over from a relay that died after as much. */
  leaseMs: number;
  /** It asks for more time this long before its lease ends, in ms. */
  renewMs: number;
}

/** Whether this process may do the work now; the store is asked only where its lease is near its end, or not its own. Rejects with the store's error. */
export function createWorkLease(
  store: Pick<Store, "lease">,
  { work, worker, leaseMs, renewMs }: WorkLease,
  clock: Pick<Clock, "now">,
): () => Promise<boolean> {
  let leasedUntil = 0;
  return async () => {
    const now = clock.now();
    if (now < leasedUntil - renewMs) return true;
    const ours = await store.lease(work, worker, now, now + leaseMs);
    leasedUntil = ours ? now + leaseMs : 0;
    return ours;
  };
}
