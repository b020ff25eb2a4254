import type { AppStore } from "../../core/ports/app-store.ts";
import type { Clock } from "../../core/ports/clock.ts";

/** An app's weight is read again after this, in ms. */
const WEIGHT_LIFE_MS = 30_000;
const DEFAULT_WEIGHT = 1;

/** An app's weight as last read; the default until it is. */
export function createAppWeights(apps: Pick<AppStore, "find">, clock: Pick<Clock, "monotonic">): (app: string) => number {
  const known = new Map<string, { at: number; weight: number }>();
  return (id) => {
    const now = clock.monotonic();
    const before = known.get(id);
    if (!before || now - before.at > WEIGHT_LIFE_MS) {
      const entry = { at: now, weight: before?.weight ?? DEFAULT_WEIGHT };
      known.set(id, entry);
      apps.find(id).then(
        (app) => {
          entry.weight = app?.limits.weight ?? DEFAULT_WEIGHT;
        },
        () => undefined,
      );
    }
    return known.get(id)!.weight;
  };
}
