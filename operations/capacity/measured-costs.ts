import type { Channel } from "../../core/delivery/channel.ts";

/** CPU of one task in a dispatcher, ms; of its questions in preferences; and of its receipts in feedback. */
export interface TaskCost {
  dispatcherMs: number;
  preferencesMs: number;
  feedbackMs: number;
  /** BSON bytes of its notification and its attempt in the store, without the content. */
  notificationBytes: number;
  attemptBytes: number;
  /** Bytes in the stream, without the content. */
  streamBytes: number;
}

/**
 * Medians of bench/per-pod-rate.ts over the MongoDB stand-in, 2026-11-23, two shared cores; of three runs the dearest, made on the busiest machine,
 * where fewer tasks share a round trip (bench/README.md has all, with their spread). CPU time, not the clock's.
 */
export const TASK_COSTS: Readonly<Record<Channel, TaskCost>> = {
  apns: { dispatcherMs: 0.77, preferencesMs: 0.11, feedbackMs: 0, notificationBytes: 880, attemptBytes: 350, streamBytes: 300 },
  fcm: { dispatcherMs: 1.05, preferencesMs: 0.13, feedbackMs: 0, notificationBytes: 860, attemptBytes: 380, streamBytes: 300 },
  webpush: { dispatcherMs: 1.73, preferencesMs: 0.16, feedbackMs: 0, notificationBytes: 1_050, attemptBytes: 345, streamBytes: 370 },
  sms: { dispatcherMs: 1.7, preferencesMs: 0.19, feedbackMs: 1.22, notificationBytes: 740, attemptBytes: 350, streamBytes: 250 },
  email: { dispatcherMs: 1.88, preferencesMs: 0.38, feedbackMs: 1.59, notificationBytes: 760, attemptBytes: 410, streamBytes: 280 },
};

/** ms of CPU each, from the same runs. */
export const CALL_COSTS = {
  /** One Send, the dearest way in; in a batch of 100 it is a fraction of it. */
  gatewaySendMs: 1.3,
  gatewayBatchMs: 0.25,
  /** The gateway's question about opt-outs. */
  preferencesMs: 0.31,
  /** One task published because it was due: a retry, a scheduled send, what was left over from an outage of NATS. */
  relayMs: 0.19,
} as const;

/** Bytes of Redis a claim takes, key and holder as long as in Kubernetes: bench/redis-bytes.ts. */
export const CLAIM_BYTES = 210;
/** The same of an opt-out: a 64-bit hash in an intset of a few thousand, and its share of the set. */
export const OPT_OUT_BYTES = 9;
/** Updates the MongoDB stand-in took from one core, in batches of 100, its client on the same cores. MongoDB itself was not measured. */
export const STORE_WRITES_PER_CORE = 2_300;
