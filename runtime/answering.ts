import { SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import { type CallCode, type CallError, callError, codeNumber, isCallError } from "./call-error.ts";
import type { EarlyEnd } from "./grpc/early-end.ts";
import type { ReadHeader } from "./handler.ts";
import type { Logger } from "./logger.ts";
import type { Histogram } from "./metrics.ts";
import { extract, withSpan } from "./tracing.ts";

/** Longest time for handling a call, in ms. A call holds memory and a place in the stores' queues, and callers have usually given up after 10 s. */
export const HANDLE_MS_MAX = 10_000;

export const deadlineExceeded = callError("DEADLINE_EXCEEDED", "DEADLINE", "the deadline passed before there was an answer");
export const cancelled = callError("CANCELLED", "CANCELLED", "the caller cancelled");
export const internal = callError("INTERNAL", "INTERNAL", "internal error; details are in the service's log");

export interface AnsweringParts {
  log: Logger;
  tracer?: Tracer;
  /** Observes seconds, labelled by `method` and `code`. See callSeconds(). */
  seconds?: Histogram<"method" | "code">;
}

/** What is known of a call before its handler runs. */
export interface AnsweredCall {
  /** carillon.v1.NotificationService/SendNotification */
  readonly path: string;
  readonly header: ReadHeader;
  readonly early: EarlyEnd;
  /** Told of the handler's promise, which may settle long after the call has ended early. */
  worksOn(work: Promise<unknown>): void;
}

/** Runs a handler once for a call, of whatever transport. Resolves with the answer or the error; never rejects. */
export type Answering = (call: AnsweredCall, handle: () => Promise<unknown>) => Promise<unknown>;

/**
 * A call that has ended early is answered without starting any work. Any error but a CallError is a bug: it is logged, and the caller reads INTERNAL
 * without its text.
 */
export function createAnswering({ log, tracer, seconds }: AnsweringParts): Answering {
  return async ({ path, header, early, worksOn }, handle) => {
    const startedAt = performance.now();
    const answer = async () => {
      try {
        if (early.why) return early.why;
        const work = handle();
        worksOn(work);
        return await Promise.race([work, early.whenEnded]);
      } catch (error) {
        return isCallError(error) ? error : logged(error, path, log);
      }
    };
    const result = tracer
      ? await withSpan(tracer, path, { kind: SpanKind.SERVER, parent: extract(header) }, async (span) => {
          const traced = await answer();
          span.setAttribute("rpc.grpc.status_code", isCallError(traced) ? codeNumber(traced.code) : 0);
          if (isCallError(traced) && SERVER_FAULTS.has(traced.code)) span.setStatus({ code: SpanStatusCode.ERROR });
          return traced;
        })
      : await answer();
    early.answered();
    seconds?.observe({ method: path, code: isCallError(result) ? result.code : "OK" }, (performance.now() - startedAt) / 1_000);
    return result;
  };
}

/** The answer to an error that is a bug. */
export function logged(error: unknown, method: string, log: Logger): CallError {
  log.error({ err: error, method }, "call failed with an unexpected error");
  return internal;
}

/** Codes that mean the server failed, by OpenTelemetry's conventions for RPC; the others are the caller's. */
const SERVER_FAULTS: ReadonlySet<CallCode> = new Set<CallCode>([
  "UNKNOWN",
  "DEADLINE_EXCEEDED",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
]);
