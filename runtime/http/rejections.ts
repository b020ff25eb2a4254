import type { Logger } from "../logger.ts";
import type { Metrics } from "../metrics.ts";
import { createSampledLog } from "../sampled-log.ts";

/** Why a request or a connection was rejected before a handler did any work for it; "signature": after it was verified. */
export type HttpRejection =
  /** Too many connections: the one that had been idle for longest was closed. */
  | "connections"
  /** Too many requests over one connection. */
  | "requests"
  /** A head that is no HTTP or too large. */
  | "head"
  /** Not whole within the time. */
  | "timeout"
  | "path"
  | "method"
  | "body-size"
  /** Too many bodies, or bytes of them, at once. */
  | "body-slots"
  /** Without a signature. */
  | "unsigned"
  | "signature"
  /** Without a valid API key. */
  | "unauthenticated"
  /** Who calls cannot be told now. */
  | "identity-unavailable"
  /** Too many calls, or bytes of them, under way. */
  | "overloaded"
  /** A type or an encoding of the body that is not read. */
  | "type"
  /** No valid request of its method. */
  | "malformed";

/** Counts what listeners of this process reject, and logs some of it with the peer's address, which behind a proxy is the proxy's. */
export type HttpRejections = (listener: string, reason: HttpRejection, peer: string | undefined) => void;

export function createHttpRejections(metrics: Metrics, log: Logger): HttpRejections {
  const counter = metrics.counter("carillon_http_rejections_total", "HTTP requests and connections rejected, by listener and reason", [
    "listener",
    "reason",
  ]);
  const sampled = createSampledLog<HttpRejection>(log, "HTTP requests are rejected");
  return (listener, reason, peer) => {
    counter.inc({ listener, reason });
    sampled(reason, { listener, peer: peer ?? "unknown" });
  };
}
