import type { Clock } from "./clock.ts";

export interface ReadingOptions {
  /** ms for which a reading is fresh. */
  everyMs: number;
  /** It is fresh for at least this many times what it took, so that reading takes a small part of the store's time. */
  timesCost: number;
  /** ms after which a reading must not be used. */
  trustMs: number;
}

/** A number that is read from the store at intervals: by one process for all, where they can agree. Rejects where it cannot be read. */
export type SharedReading = (name: string, take: () => Promise<number>, options: ReadingOptions) => Promise<number>;

/** Takes a reading; says for how many ms it is fresh. */
export async function takeReading(
  take: () => Promise<number>,
  { everyMs, timesCost, trustMs }: ReadingOptions,
  clock: Pick<Clock, "monotonic">,
): Promise<{ value: number; freshMs: number }> {
  const began = clock.monotonic();
  const value = await take();
  const tookMs = clock.monotonic() - began;
  return { value, freshMs: Math.round(Math.min(trustMs / 2, Math.max(everyMs, tookMs * timesCost))) };
}

/** Each process reads for itself. */
export function createOwnReading(clock: Pick<Clock, "monotonic">): SharedReading {
  const known = new Map<string, { value: number; freshUntil: number }>();
  return async (name, take, options) => {
    const before = known.get(name);
    if (before && clock.monotonic() < before.freshUntil) return before.value;
    const { value, freshMs } = await takeReading(take, options, clock);
    known.set(name, { value, freshUntil: clock.monotonic() + freshMs });
    return value;
  };
}
