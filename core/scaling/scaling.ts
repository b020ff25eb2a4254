import type { Channel } from "../delivery/channel.ts";

/** How a channel's pods are counted. Rates are tasks per second. */
export interface ChannelScaling {
  /** What one pod is asked to do: 0.8 of what it sustains. */
  targetRatePerPod: number;
  /** A backlog is gone after this. */
  drainMs: number;
  /** A task older than this in the queue makes the channel hurry. */
  maxAgeMs: number;
  /** What a task usually takes, provider included: so long it is under way and no backlog. */
  serviceMs: number;
  /** What the provider admits from the whole fleet; absent: no bound. */
  rateLimitPerSecond?: number;
  minReplicas: number;
  maxReplicas: number;
  /** Tasks a pod handles at once, per class. */
  inFlight: number;
}

/** A channel's queue at one moment. */
export interface QueueSample {
  /** Tasks waiting or under way, without the parked ones. */
  backlog: number;
  /** Tasks given back with a delay that has not passed. */
  parked: number;
  arrivalsPerSecond: number;
  /** Age of the oldest task that is not parked. */
  oldestMs: number;
}

/** The head start that keeps a steady queue from growing. */
export const ARRIVAL_MARGIN = 1.1;
/** How many times faster than within drainMs an overdue backlog is worked off, at most. */
export const HURRY_MAX = 4;

/**
 * For half a core a pod, its CPU request: 0.8 of what `bench/per-pod-rate.ts` measured, or of inFlight / serviceMs where that is less (SMS, e-mail).
 * serviceMs is from the same runs, with providers that answer after 50 ms (push) or 150 ms. Most replicas leave room for a campaign on top of ten
 * times the average of 16M a day. `carillon capacity` says what yours should be.
 */
export const SCALING_DEFAULTS: Readonly<Record<Channel, ChannelScaling>> = {
  apns: {
    ...{ targetRatePerPod: 510, drainMs: 30_000, maxAgeMs: 30_000, serviceMs: 100 },
    ...{ minReplicas: 2, maxReplicas: 8, inFlight: 100 },
  },
  fcm: {
    ...{ targetRatePerPod: 380, drainMs: 30_000, maxAgeMs: 30_000, serviceMs: 100 },
    ...{ minReplicas: 2, maxReplicas: 10, inFlight: 100 },
  },
  webpush: {
    ...{ targetRatePerPod: 230, drainMs: 60_000, maxAgeMs: 60_000, serviceMs: 100 },
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
 * Tasks per second that the channel's pods together have to do. It follows from the queue alone, never from the number of pods, so nothing
 * swings. A steady queue costs nobody time: by Little's law arrivals × service time are always under way, and only the rest is backlog.
 */
export function requiredRate(sample: QueueSample, scaling: ChannelScaling): number {
  const { backlog, parked, arrivalsPerSecond, oldestMs } = sample;
  const limit = scaling.rateLimitPerSecond ?? Number.POSITIVE_INFINITY;
  const drainSeconds = scaling.drainMs / 1_000;
  const underWay = arrivalsPerSecond * (scaling.serviceMs / 1_000);
  // Of the backlog alone: a few tasks that a dead pod took along are old, and more pods do not bring them back any sooner.
  const hurry = oldestMs > scaling.maxAgeMs ? Math.min(HURRY_MAX, oldestMs / scaling.maxAgeMs) : 1;
  const rate = ARRIVAL_MARGIN * arrivalsPerSecond + (hurry * Math.max(0, backlog - underWay)) / drainSeconds;
  // What is parked asks for no more than one pod to come back to.
  const least = backlog + parked > 0 ? 1 / drainSeconds : 0;
  return Math.min(Math.max(rate, least), limit);
}

/** More pods than this would only wait for the provider's limit. One is to spare. */
export function replicasMax({ maxReplicas, minReplicas, rateLimitPerSecond, targetRatePerPod }: ChannelScaling): number {
  if (rateLimitPerSecond === undefined) return maxReplicas;
  return Math.max(minReplicas, Math.min(maxReplicas, Math.ceil(rateLimitPerSecond / targetRatePerPod) + 1));
}

/** The pods for a rate, as the HPA counts them from an averageValue of `targetRatePerPod`. */
export function replicasFor(rate: number, scaling: ChannelScaling): number {
  return Math.max(scaling.minReplicas, Math.min(replicasMax(scaling), Math.ceil(rate / scaling.targetRatePerPod)));
}
