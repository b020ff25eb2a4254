import type { FrequencyCap } from "./category.ts";

/** Of a frequency cap; moments in ms since the epoch. `until` is not included. */
export interface CapWindow {
  from: number;
  until: number;
}

/** The window that a moment is in. Windows of one length follow one another from the beginning of 1970 on, for all users alike. Pure. */
export function capWindow({ windowMs }: Pick<FrequencyCap, "windowMs">, now: number): CapWindow {
  const from = Math.floor(now / windowMs) * windowMs;
  return { from, until: from + windowMs };
}
