import type { Channel } from "../delivery/channel.ts";

/** What the number of a channel's pods depends on. Rates are tasks per second. */
export interface ChannelScaling {
  /** Rate per pod: 0.8 of what one sustains. */
  targetRatePerPod: number;
  /** A backlog must drain within this. */
  drainMs: number;
  /** A task in the queue older than this raises the required rate. */
  maxAgeMs: number;
  /** Usual time to handle a task, provider included. Tasks being handled are no backlog. */
  serviceMs: number;
  /** Limit of the provider for all pods together; absent: none. */
  rateLimitPerSecond?: number;
  minReplicas: number;
  maxReplicas: number;
  /** Tasks a pod handles at once, per class. */
  inFlight: number;
}

/** A channel's queue at one moment. */
export interface QueueSample {
  /** Tasks waiting or being handled, without the parked ones. */
  backlog: number;
  /** Tasks returned to the queue with a delay that has not passed. */
  parked: number;
  arrivalsPerSecond: number;
  /** Age of the oldest task that is not parked. */
  oldestMs: number;
}

/** Headroom over the arrival rate, so that a steady queue does not grow. */
export const ARRIVAL_MARGIN = 1.1;
/** Upper bound of the factor by which an overdue backlog drains faster than within drainMs. */
export const OVERDUE_FACTOR_MAX = 4;

/**
 * For pods of half a core (the CPU request). targetRatePerPod is 0.8 of what `bench/per-pod-rate.ts` measured, or of inFlight / serviceMs where that
 * is less (SMS, e-mail). serviceMs comes from the same runs, with providers that answer after 50 ms (push) or 150 ms. maxReplicas covers ten times
 * the average of 16M notifications a day, and a campaign on top. `carillon capacity` computes other loads.
 */
export const SCALING_DEFAULTS: Readonly<Record<Channel, ChannelScaling>> = {
  apns: {
    ...{ targetRatePerPod: 410, drainMs: 30_000, maxAgeMs: 30_000, serviceMs: 100 },
    ...{ minReplicas: 2, maxReplicas: 8, inFlight: 100 },
  },
  fcm: {
    ...{ targetRatePerPod: 510, drainMs: 30_000, maxAgeMs: 30_000, serviceMs: 100 },
    ...{ minReplicas: 2, maxReplicas: 10, inFlight: 100 },
  },
  webpush: {
    ...{ targetRatePerPod: 280, drainMs: 60_000, maxAgeMs: 60_000, serviceMs: 100 },
    ...{ minReplicas: 1, maxReplicas: 4, inFlight: 50 },
  },
  sms: {
    ...{ targetRatePerPod: 100, drainMs: 60_000, maxAgeMs: 60_000, serviceMs: 250 },
    ...{ minReplicas: 2, maxReplicas: 10, inFlight: 32 },
  },
  email: {
    ...{ targetRatePerPod: 140, drainMs: 120_000, maxAgeMs: 300_000, serviceMs: 350 },
    ...{ minReplicas: 2, maxReplicas: 24, inFlight: 64 },
  },
};

/**
 * Tasks per second that the channel's pods together must handle. It depends on the queue alone, not on the number of pods, so scaling does not
 * oscillate. By Little's law arrivals × service time are being handled at any moment; only what exceeds that is backlog.
 */
export function requiredRate(sample: QueueSample, scaling: ChannelScaling): number {
  const { backlog, parked, arrivalsPerSecond, oldestMs } = sample;
  const limit = scaling.rateLimitPerSecond ?? Number.POSITIVE_INFINITY;
  const drainSeconds = scaling.drainMs / 1_000;
  const underWay = arrivalsPerSecond * (scaling.serviceMs / 1_000);
  // Applies to the backlog alone: tasks held by a dead pod are old too, and more pods do not release them sooner.
  const overdue = oldestMs > scaling.maxAgeMs ? Math.min(OVERDUE_FACTOR_MAX, oldestMs / scaling.maxAgeMs) : 1;
  const rate = ARRIVAL_MARGIN * arrivalsPerSecond + (overdue * Math.max(0, backlog - underWay)) / drainSeconds;
  // Parked tasks need one pod, for when their delay has passed.
  const least = backlog + parked > 0 ? 1 / drainSeconds : 0;
  return Math.min(Math.max(rate, least), limit);
}

/** Further pods would only wait for the rate limit. Includes one spare. */
export function replicasMax({ maxReplicas, minReplicas, rateLimitPerSecond, targetRatePerPod }: ChannelScaling): number {
  if (rateLimitPerSecond === undefined) return maxReplicas;
  return Math.max(minReplicas, Math.min(maxReplicas, Math.ceil(rateLimitPerSecond / targetRatePerPod) + 1));
}

/** The pods for a rate, as the HPA computes them from an averageValue of `targetRatePerPod`. */
export function replicasFor(rate: number, scaling: ChannelScaling): number {
  return Math.max(scaling.minReplicas, Math.min(replicasMax(scaling), Math.ceil(rate / scaling.targetRatePerPod)));
}
