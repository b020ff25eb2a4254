import { monotonicUs } from "../monotonic.ts";
import { TAG_FIELD } from "../notification-bytes.ts";
import { pack, unpack8, unpack32 } from "./packed.ts";

/** A range of notifications by number. */
export interface Watch {
  first: number;
  count: number;
}

/** Which notifications of a range have arrived, how often, and when first. */
export interface Arrivals {
  /** Looks for the tag in the body of a push. */
  add(body: Buffer): void;
  /** One more arrival of the notification with this number; others than the range's, and NaN, are ignored. */
  record(n: number): void;
  report(): ArrivalsReport;
}

export interface ArrivalsReport {
  first: number;
  /** monotonicUs() */
  sinceUs: number;
  times: string;
  firstUs: string;
}

export interface Arrived {
  first: number;
  /** By notification: how many times its push has arrived, at most 255. */
  times: Uint8Array;
  /** By notification: monotonicUs() of the first arrival; NaN where there was none. */
  atUs: Float64Array;
}

const TAG = Buffer.from(`"${TAG_FIELD}":"`);
const DIGITS_MAX = 16;
const TIMES_MAX = 255;

export function createArrivals({ first, count }: Watch): Arrivals {
  const sinceUs = monotonicUs();
  const times = new Uint8Array(count);
  const firstUs = new Uint32Array(count);
  function record(n: number): void {
    const i = n - first;
    // False for NaN.
    if (!(i >= 0 && i < count)) return;
    if (times[i] === 0) firstUs[i] = monotonicUs() - sinceUs;
    times[i] = Math.min(TIMES_MAX, times[i]! + 1);
  }
  return {
    record,
    add(body) {
      const at = body.indexOf(TAG);
      if (at < 0) return;
      const start = at + TAG.length;
      record(Number.parseInt(body.toString("latin1", start, start + DIGITS_MAX), 10));
    },
    report: () => ({ first, sinceUs, times: pack(times), firstUs: pack(firstUs) }),
  };
}

export function readArrivals({ first, sinceUs, times, firstUs }: ArrivalsReport): Arrived {
  const counts = unpack8(times);
  const at = unpack32(firstUs);
  return { first, times: counts, atUs: Float64Array.from(at, (us, i) => (counts[i] === 0 ? Number.NaN : sinceUs + us)) };
}
