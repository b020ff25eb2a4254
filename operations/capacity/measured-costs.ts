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
 * Medians of bench/per-pod-rate.ts with mongodb as the store, 2026-12-03, commit d90284b0, AMD EPYC, 2 cores.
 * The costliest of 3 runs. CPU time, not wall time. Written by bench/measured-costs.ts.
 */
export const TASK_COSTS: Readonly<Record<Channel, TaskCost>> = {
  apns: { dispatcherMs: 0.96, preferencesMs: 0.02, feedbackMs: 0, notificationBytes: 910, attemptBytes: 370, streamBytes: 320 },
  fcm: { dispatcherMs: 0.77, preferencesMs: 0.02, feedbackMs: 0, notificationBytes: 870, attemptBytes: 400, streamBytes: 320 },
  webpush: { dispatcherMs: 1.38, preferencesMs: 0, feedbackMs: 0, notificationBytes: 1_060, attemptBytes: 370, streamBytes: 390 },
  sms: { dispatcherMs: 0.97, preferencesMs: 0.02, feedbackMs: 1.02, notificationBytes: 750, attemptBytes: 380, streamBytes: 260 },
  email: { dispatcherMs: 1.17, preferencesMs: 0.02, feedbackMs: 1.08, notificationBytes: 770, attemptBytes: 420, streamBytes: 270 },
};

/** CPU time per call in ms, from the same runs. */
export const CALL_COSTS = {
  /** One notification sent alone, and one in a batch of 100. */
  gatewaySendMs: 0.58,
  gatewayBatchMs: 0.17,
  /** The gateway's opt-out check. */
  preferencesMs: 0,
  /** One task that the relay publishes: a retry, a scheduled send, or one left from an outage of NATS. */
  relayMs: 0.32,
} as const;

/** Bytes of a claim in Redis, with key and holder as long as in Kubernetes: bench/redis-bytes.ts. */
export const CLAIM_BYTES = 210;
/** Updates per second and core of the MongoDB stand-in, in batches of 100, with the client on the same cores. MongoDB itself was not measured. */
export const STORE_WRITES_PER_CORE = 2_300;
