import { isDeepStrictEqual } from "node:util";

/**
 * Decides when a reading of something that changes piece by piece is used: once two readings in a row are equal, so that neither half a file nor
 * one file from before and one from after a change is. One that was rejected is not tried again until it changes.
 */
export function createStableReading<T>(start: T) {
  let used = start;
  let last = start;
  let rejected: { reading: T } | undefined;
  return {
    used: () => used,
    /** The reading to use now, if any. @param isFirst where there is none before that it could be compared with */
    next(reading: T, isFirst = false): T | undefined {
      const before = last;
      last = reading;
      if (!isFirst && !isDeepStrictEqual(reading, before)) return undefined;
      if (isDeepStrictEqual(reading, used)) rejected = undefined;
      else if (!rejected || !isDeepStrictEqual(reading, rejected.reading)) return reading;
      return undefined;
    },
    accept(reading: T): void {
      used = reading;
      rejected = undefined;
    },
    reject(reading: T): void {
      rejected = { reading };
    },
  };
}
