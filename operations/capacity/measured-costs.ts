import type { Channel } from "../../core/delivery/channel.ts";

/** CPU time per task in ms: in the dispatcher, of its opt-out checks in preferences, of its receipts in feedback. */
export interface TaskCost {
  dispatcherMs: number;
  preferencesMs: number;
  feedbackMs: number;
  /** BSON bytes of the notification and of the attempt, without the content. */
  notificationBytes: number;
  attemptBytes: number;
  /** Bytes in the stream, without the content. */
  streamBytes: number;
}

/**
 * Medians of bench/per-pod-rate.ts over the MongoDB stand-in, 2026-11-23, two shared cores. The most expensive of three runs, on the busiest
 * machine, where fewer tasks share a round trip (bench/README.md has all runs with their spread). CPU time, not wall time.
 */
export const TASK_COSTS: Readonly<Record<Channel, TaskCost>> = {
  apns: { dispatcherMs: 0.77, preferencesMs: 0.11, feedbackMs: 0, notificationBytes: 880, attemptBytes: 350, streamBytes: 300 },
  fcm: { dispatcherMs: 1.05, preferencesMs: 0.13, feedbackMs: 0, notificationBytes: 860, attemptBytes: 380, streamBytes: 300 },
  webpush: { dispatcherMs: 1.73, preferencesMs: 0.16, feedbackMs: 0, notificationBytes: 1_050, attemptBytes: 345, streamBytes: 370 },
  sms: { dispatcherMs: 1.7, preferencesMs: 0.19, feedbackMs: 1.22, notificationBytes: 740, attemptBytes: 350, streamBytes: 250 },
  email: { dispatcherMs: 1.88, preferencesMs: 0.38, feedbackMs: 1.59, notificationBytes: 760, attemptBytes: 410, streamBytes: 280 },
};

/** CPU time per call in ms, from the same runs. */
export const CALL_COSTS = {
  /** One notification sent alone, and one in a batch of 100. */
  gatewaySendMs: 1.3,
  gatewayBatchMs: 0.25,
  /** The gateway's opt-out check. */
  preferencesMs: 0.31,
  /** One task that the relay publishes: a retry, a scheduled send, or one left from an outage of NATS. */
  relayMs: 0.19,
} as const;

/** Bytes of a claim in Redis, with key and holder as long as in Kubernetes: bench/redis-bytes.ts. */
export const CLAIM_BYTES = 210;
/** Updates per second and core of the MongoDB stand-in, in batches of 100, with the client on the same cores. MongoDB itself was not measured. */
export const STORE_WRITES_PER_CORE = 2_300;
