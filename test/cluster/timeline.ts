// Samples of every second, and the events between them.

export interface Sample {
  /** Since the beginning, seconds. */
  at: number;
  /** Notifications accepted per second. */
  offered: number;
  /** The autoscaler's required rate, tasks per second; undefined: it could not be read. */
  required: number | undefined;
  /** The HPA's desired pods. */
  wanted: number;
  /** Ready pods, each of them a process. */
  ready: number;
  /** Deliveries not yet accepted by the provider. */
  open: number;
  /** Age of the oldest of them, seconds. */
  oldest: number;
  /** The HPA's condition ScalingActive. */
  scalingActive: boolean | undefined;
  /** The autoscaler holds its rate: an outage, or a lost sample. */
  held: boolean | undefined;
}

export interface Scene {
  name: string;
  /** Seconds since the beginning. */
  from: number;
  to: number;
}

/** A moment with a name, drawn where it happened. */
export interface Event {
  at: number;
  what: string;
}

export interface Timeline {
  samples: Sample[];
  scenes: Scene[];
  events: Event[];
}

export const within = (samples: readonly Sample[], from: number, to: number) => samples.filter((s) => s.at >= from && s.at <= to);
export const highest = (samples: readonly Sample[], of: (s: Sample) => number | undefined) =>
  Math.max(0, ...samples.map((s) => of(s) ?? 0));
export const lowest = (samples: readonly Sample[], of: (s: Sample) => number | undefined) =>
  Math.min(Number.POSITIVE_INFINITY, ...samples.map((s) => of(s) ?? Number.POSITIVE_INFINITY));
export function middle(samples: readonly Sample[], of: (s: Sample) => number | undefined): number {
  const values = samples
    .map(of)
    .filter((v) => v !== undefined)
    .sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)] ?? Number.NaN;
}
