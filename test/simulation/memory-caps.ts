import { capKey } from "../../adapters/store/cap-key.ts";
import { notificationIdOf } from "../../core/ports/attempt-store.ts";
import type { CapPlace, CapStore } from "../../core/ports/cap-store.ts";

/** Synchronous access to the stored state, for checks between two events. */
export interface CapsInside {
  /** Whether the notification of this delivery has a place in any window. */
  hasPlace(deliveryId: string): boolean;
  /** Places taken in the window that has the most. */
  most(): number;
}

export function createMemoryCaps(): CapStore & { inside: CapsInside } {
  const windows = new Map<string, { until: number; taken: Set<string> }>();
  const take = (place: CapPlace): boolean => {
    const key = capKey(place);
    const { taken } = windows.get(key) ?? windows.set(key, { until: place.window.until, taken: new Set() }).get(key)!;
    if (taken.has(place.notificationId)) return true;
    if (taken.size >= place.max) return false;
    taken.add(place.notificationId);
    return true;
  };
  return {
    inside: {
      hasPlace: (deliveryId) => [...windows.values()].some(({ taken }) => taken.has(notificationIdOf(deliveryId))),
      most: () => Math.max(0, ...[...windows.values()].map(({ taken }) => taken.size)),
    },
    take: async (places) => places.map(take),
    async purge(before, limit) {
      const old = [...windows].filter(([, { until }]) => until < before).sort(([, a], [, b]) => a.until - b.until);
      const removed = old.slice(0, Math.max(0, limit));
      for (const [key] of removed) windows.delete(key);
      return removed.length;
    },
  };
}
