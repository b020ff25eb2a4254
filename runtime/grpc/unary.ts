import { type handleUnaryCall, type Metadata, status } from "@grpc/grpc-js";
import { SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import { withDeadline } from "../deadline.ts";
import type { Logger } from "../logger.ts";
import type { Histogram } from "../metrics.ts";
import { extract, withSpan } from "../tracing.ts";
import { type CallError, callError, isCallError, toServiceError } from "./status.ts";

/** What a handler knows of its call. */
export interface CallContext<Caller> {
  /** Who calls, as `authenticate` answered. */
  caller: Caller;
  metadata: Metadata;
  /** Aborts when the caller cancels or the deadline passes. */
  signal: AbortSignal;
  /** ms since the epoch: the caller's deadline, or ours where that is sooner. */
  deadlineAt: number;
}

export type Handler<Request, Response, Caller> = (request: Request, context: CallContext<Caller>) => Promise<Response | CallError>;

/** Turns a handler into a method of a grpc-js service. */
export type Unary<Caller> = <Request, Response>(handler: Handler<Request, Response, Caller>) => handleUnaryCall<Request, Response>;

export interface UnaryParts<Caller> {
  log: Logger;
  /** Runs before the handler, also against the deadline. */
  authenticate: (metadata: Metadata) => Promise<Caller | CallError> | Caller | CallError;
  /** The longest a call may take, also where the caller would wait longer. */
  handleMsMax?: number;
  tracer?: Tracer;
  /** Observes seconds, labelled by `method` and `code`. See callSeconds(). */
  seconds?: Histogram<"method" | "code">;
}

/** A call holds memory and a place in the stores' queues; nobody behind a timeout of 10 s still waits for the answer. */
export const HANDLE_MS_MAX = 10_000;

const pastDeadline = callError("DEADLINE_EXCEEDED", "DEADLINE", "the deadline passed before there was an answer");
const cancelled = callError("CANCELLED", "CANCELLED", "the caller cancelled");
const internal = callError("INTERNAL", "INTERNAL", "an error of ours; it is in the log");

/**
 * What every unary method shares. A CallError, returned or thrown, becomes its status. Anything else thrown is a bug: it is logged, and the
 * caller reads INTERNAL without its text. A call past its deadline is answered at once, and begins no work.
 */
export function createUnary<Caller>(parts: UnaryParts<Caller>): Unary<Caller> {
  const { log, authenticate, tracer, seconds } = parts;
  const handleMsMax = parts.handleMsMax ?? HANDLE_MS_MAX;

  return (handler) => (call, callback) => {
    const startedAt = performance.now();
    const path = call.getPath().slice(1);
    const ending = new AbortController();
    const { signal } = ending;
    const stop = (why: CallError) => ending.abort(why);
    const ended = () => signal.reason as CallError;
    const deadlineAt = Math.min(Number(call.getDeadline()), Date.now() + handleMsMax);
    const leftMs = deadlineAt - Date.now();
    if (leftMs <= 0) stop(pastDeadline);
    const timer = setTimeout(stop, Math.max(0, leftMs), pastDeadline);
    // grpc-js says "cancelled" of a passed deadline too, and may say it first.
    call.on("cancelled", () => stop(deadlineAt <= Date.now() ? pastDeadline : cancelled));

    const work = async () => {
      const caller = await authenticate(call.metadata);
      if (isCallError(caller)) return caller;
      return signal.aborted ? ended() : handler(call.request, { caller, metadata: call.metadata, signal, deadlineAt });
    };
    const answer = async () => {
      try {
        return signal.aborted ? ended() : await withDeadline(work(), { signal }, ended);
      } catch (error) {
        if (isCallError(error)) return error;
        log.error({ err: error, method: path }, "a call failed");
        return internal;
      }
    };
    const traced = tracer
      ? withSpan(tracer, path, { kind: SpanKind.SERVER, parent: extract((key) => call.metadata.get(key)[0]?.toString()) }, async (span) => {
          const result = await answer();
          const code = isCallError(result) ? result.code : status.OK;
          span.setAttribute("rpc.grpc.status_code", code);
          if (isCallError(result) && OURS.has(code)) span.setStatus({ code: SpanStatusCode.ERROR });
          return result;
        })
      : answer();
    void traced.then((result) => {
      clearTimeout(timer);
      const code = isCallError(result) ? result.code : status.OK;
      seconds?.observe({ method: path, code: status[code] }, (performance.now() - startedAt) / 1_000);
      if (isCallError(result)) callback(toServiceError(result));
      else callback(null, result);
    });
  };
}

/** Statuses that say the server failed, by OpenTelemetry's conventions for RPC; the others are the caller's affair. */
const OURS = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);
