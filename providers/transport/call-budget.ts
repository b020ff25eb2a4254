import type { Clock } from "../../core/ports/clock.ts";

export interface CallBudget {
  /** Undefined where a call may be made now, which it then counts; else ms until one may. */
  spend(): number | undefined;
}

/** At most `calls` in any `periodMs`, by this process alone: the provider limits an account, so all processes together may still be rejected. */
export function createCallBudget({ calls, periodMs }: { calls: number; periodMs: number }, clock: Clock): CallBudget {
  let spent: number[] = [];
  return {
    spend() {
      const now = clock.monotonic();
      spent = spent.filter((at) => at > now - periodMs);
      const [oldest] = spent;
      if (spent.length >= calls && oldest !== undefined) return oldest + periodMs - now;
      spent.push(now);
      return undefined;
    },
  };
}
