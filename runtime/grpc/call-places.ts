import type { CallLimit } from "./call-limit.ts";

/** The calls under way on a listener, by caller. */
export interface CallPlaces<Call extends object> {
  /** Whether the caller may have one more: as many as are free, and one in any case. */
  hasRoom(callerKey: string): boolean;
  add(call: Call, callerKey: string): void;
  /** Harmless where it has no place. */
  remove(call: Call): void;
}

/**
 * One caller alone may have half of them, two a third each. Where many callers left nothing free, each of the others still has one call at a time, so that
 * the number of callers is the bound then.
 */
export function createCallPlaces<Call extends object>(limit: CallLimit): CallPlaces<Call> {
  const callers = new Map<Call, string>();
  const counts = new Map<string, number>();
  const countOf = (callerKey: string) => counts.get(callerKey) ?? 0;
  return {
    hasRoom: (callerKey) => countOf(callerKey) < Math.max(1, limit.now() - callers.size),
    add(call, callerKey) {
      this.remove(call);
      callers.set(call, callerKey);
      counts.set(callerKey, countOf(callerKey) + 1);
    },
    remove(call) {
      const callerKey = callers.get(call);
      if (callerKey === undefined) return;
      callers.delete(call);
      limit.ended(callers.size);
      if (countOf(callerKey) > 1) counts.set(callerKey, countOf(callerKey) - 1);
      else counts.delete(callerKey);
    },
  };
}
