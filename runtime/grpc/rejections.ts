import type { Logger } from "../logger.ts";
import type { Counter, Metrics } from "../metrics.ts";
import { createSampledLog } from "../sampled-log.ts";

/** Why a listener rejects a call or closes a connection before any handler runs. */
export type Rejection =
  | "unauthenticated"
  | "identity-unavailable"
  | "malformed"
  | "too-large"
  | "too-many-items"
  | "invalid-value"
  | "compressed"
  | "too-slow"
  | "overloaded"
  | "stream-limit"
  | "unknown-method"
  | "wasted-calls"
  | "connection-limit"
  | "handshake"
  | "http2-error";

export interface Rejections {
  /** @param peer the other end's address and port */
  count(reason: Rejection, peer: string): void;
}

const METRIC = "carillon_grpc_rejections_total";
const rejectionsTotal = (metrics: Metrics) =>
  metrics.counter(METRIC, "gRPC calls and connections rejected before a handler ran, by listener and reason", ["listener", "reason"]);

/** For all listeners of a role. */
export type RejectionCounter = Counter<"listener" | "reason">;
export const rejectionCounter = (metrics: Metrics): RejectionCounter =>
  (metrics.registry.getSingleMetric(METRIC) as RejectionCounter | undefined) ?? rejectionsTotal(metrics);

/** Counts each rejection and logs a sample, with the peer's address. */
export function createRejections(parts: { listener: string; log: Logger; counter?: RejectionCounter | undefined }): Rejections {
  const { listener, log, counter } = parts;
  const sample = createSampledLog<Rejection>(log, "gRPC calls or connections are rejected");
  return {
    count(reason, peer) {
      counter?.inc({ listener, reason });
      sample(reason, { listener, peer });
    },
  };
}
