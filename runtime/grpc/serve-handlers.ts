import {
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import { type CallError, callError, isCallError } from "../call-error.ts";
import type { Authenticate, CallContext, Handler, Identity, ReadHeader, StreamHandler, UploadHandler } from "../handler.ts";
import type { Logger } from "../logger.ts";
import type { Histogram } from "../metrics.ts";
import { currentTraceparent, extract, withSpan } from "../tracing.ts";
import { callerOf } from "./admission.ts";
import { createEarlyEnd, type EarlyEnd } from "./early-end.ts";
import type { GrpcService, UploadLimits } from "./methods.ts";
import { toServiceError } from "./status.ts";
import { messagesOf } from "./upload-messages.ts";

/** The handlers that a service definition of gen/ asks for: one for each method, with the method's request and response. */
export type HandlersOf<Definition, Caller> = {
  readonly [Method in keyof Definition]: Definition[Method] extends MethodDefinition<infer Request, infer Response>
    ? Definition[Method]["responseStream"] extends true
      ? StreamHandler<Request, Response, Caller>
      : Definition[Method]["requestStream"] extends true
        ? UploadHandler<Request, Response, Caller>
        : Handler<Request, Response, Caller>
    : never;
};

export interface ServeParts<Caller extends Identity> {
  log: Logger;
  /** Runs when a call's headers have arrived, before its message is read. */
  authenticate: Authenticate<Caller>;
  /** Of methods with a limit other than MESSAGE_BYTES_MAX, by name in the definition. */
  messageBytesMax?: Readonly<Record<string, number>>;
  /** Of methods that answer each item of a list on its own, by name in the definition: the list's name in the request. */
  itemsOf?: Readonly<Record<string, string>>;
  /** Of each method with a stream of requests, by name in the definition. */
  uploads?: Readonly<Record<string, UploadLimits>>;
  /** The longest a unary call may take, even if the caller would wait longer. */
  handleMsMax?: number;
  tracer?: Tracer;
  /** Observes seconds, labelled by `method` and `code`. See callSeconds(). */
  seconds?: Histogram<"method" | "code">;
}

/** A call holds memory and a place in the stores' queues; callers have usually given up after 10 s. */
export const HANDLE_MS_MAX = 10_000;

const deadlineExceeded = callError("DEADLINE_EXCEEDED", "DEADLINE", "the deadline passed before there was an answer");
const cancelled = callError("CANCELLED", "CANCELLED", "the caller cancelled");
const internal = callError("INTERNAL", "INTERNAL", "internal error; details are in the service's log");

/**
 * Serves a table of handlers over gRPC. A CallError, returned or thrown, becomes its status. Any other error is a bug: it is logged, and the
 * caller reads INTERNAL without its text.
 */
export function serveHandlers<Definition extends ServiceDefinition, Caller extends Identity>(
  definition: Definition,
  handlers: HandlersOf<Definition, Caller>,
  parts: ServeParts<Caller>,
): GrpcService {
  const implementation: UntypedServiceImplementation = {};
  const { authenticate, messageBytesMax, itemsOf, uploads = {} } = parts;
  for (const [name, { responseStream }] of Object.entries(definition)) {
    const handler: unknown = handlers[name];
    const upload = uploads[name];
    implementation[name] = responseStream
      ? serveStream(handler as StreamHandler<unknown, unknown, Caller>, parts)
      : upload
        ? serveUpload(handler as UploadHandler<unknown, unknown, Caller>, parts, upload)
        : serveUnary(handler as Handler<unknown, unknown, Caller>, parts);
  }
  return { definition, implementation, authenticate, messageBytesMax, itemsOf, uploads };
}

const serveUnary = <Caller extends Identity>(
  handler: Handler<unknown, unknown, Caller>,
  parts: ServeParts<Caller>,
): handleUnaryCall<unknown, unknown> =>
  answerOnce<ServerUnaryCall<unknown, unknown>, Caller>((call, early, deadlineAt) => {
    const caller = callerOf(call.metadata) as Caller;
    return handler(call.request, contextOf(caller, early, deadlineAt));
  }, parts);

const serveUpload = <Caller extends Identity>(
  handler: UploadHandler<unknown, unknown, Caller>,
  parts: ServeParts<Caller>,
  { lifeMs, silentMs }: UploadLimits,
): handleClientStreamingCall<unknown, unknown> =>
  answerOnce<ServerReadableStream<unknown, unknown>, Caller>(
    (call, early, deadlineAt) => {
      const caller = callerOf(call.metadata) as Caller;
      return handler(messagesOf(call, early, silentMs), contextOf(caller, early, deadlineAt));
    },
    { ...parts, handleMsMax: lifeMs },
  );

/** A call that arrives past its deadline is answered without starting any work. */
function answerOnce<Call extends ServerUnaryCall<unknown, unknown> | ServerReadableStream<unknown, unknown>, Caller extends Identity>(
  handle: (call: Call, early: EarlyEnd, deadlineAt: number) => Promise<unknown>,
  parts: ServeParts<Caller>,
): (call: Call, callback: sendUnaryData<unknown>) => void {
  const { log, tracer, seconds, handleMsMax = HANDLE_MS_MAX } = parts;
  return (call, callback) => {
    const startedAt = performance.now();
    const path = call.getPath().slice(1);
    const header = headersOf(call);
    const now = Date.now();
    const deadlineAt = Math.min(Number(call.getDeadline()), now + handleMsMax);
    const early = createEarlyEnd();
    if (deadlineAt <= now) early.end(deadlineExceeded);
    const timer = setTimeout(early.end, Math.max(0, deadlineAt - now), deadlineExceeded);
    // grpc-js reports a passed deadline as "cancelled" too, sometimes before our timer fires; and every call that was answered.
    call.on("cancelled", () => early.end(deadlineAt <= Date.now() ? deadlineExceeded : cancelled));

    const answer = async () => {
      try {
        if (early.why) return early.why;
        return await Promise.race([handle(call, early, deadlineAt), early.whenEnded]);
      } catch (error) {
        return isCallError(error) ? error : logged(error, path, log);
      }
    };
    const traced = tracer
      ? withSpan(tracer, path, { kind: SpanKind.SERVER, parent: extract(header) }, async (span) => {
          const result = await answer();
          const code = isCallError(result) ? status[result.code] : status.OK;
          span.setAttribute("rpc.grpc.status_code", code);
          if (isCallError(result) && SERVER_FAULTS.has(code)) span.setStatus({ code: SpanStatusCode.ERROR });
          return result;
        })
      : answer();
    void traced.then((result) => {
      clearTimeout(timer);
      early.answered();
      const code = isCallError(result) ? result.code : "OK";
      seconds?.observe({ method: path, code }, (performance.now() - startedAt) / 1_000);
      if (isCallError(result)) callback(toServiceError(result));
      else callback(null, result);
    });
  };
}

/** Streams have no deadline of ours: they end when the handler, the caller or a shutdown ends them. */
function serveStream<Caller extends Identity>(
  handler: StreamHandler<unknown, unknown, Caller>,
  { log }: ServeParts<Caller>,
): handleServerStreamingCall<unknown, unknown> {
  return (call) => {
    const ending = new AbortController();
    const { signal } = ending;
    const stop = () => ending.abort(cancelled);
    call.once("cancelled", stop);
    call.once("close", stop);
    // Waiting for room to write ends with the stream as well.
    const room = () => new Promise<void>((resolve) => call.once("drain", resolve).once("close", resolve));

    const answer = async (): Promise<CallError | undefined> => {
      const caller = callerOf(call.metadata) as Caller;
      const items = handler(call.request, contextOf(caller, ending, Number(call.getDeadline())));
      if (isCallError(items)) return items;
      for await (const item of items) {
        if (signal.aborted || call.writableEnded) break;
        if (!call.write(item)) await room();
      }
      return undefined;
    };
    void answer()
      .catch((error: unknown) => (isCallError(error) ? error : logged(error, call.getPath().slice(1), log)))
      .then((error) => {
        // destroy(error) would not send the status to the caller; grpc-js sends it for an "error" event.
        if (error && !signal.aborted) call.emit("error", toServiceError(error));
        else call.end();
      });
  };
}

const headersOf =
  (call: ServerUnaryCall<unknown, unknown> | ServerReadableStream<unknown, unknown>): ReadHeader =>
  (name) =>
    call.metadata.get(name)[0]?.toString();

const contextOf = <Caller>(caller: Caller, ending: { readonly signal: AbortSignal }, deadlineAt: number): CallContext<Caller> => ({
  ...{ caller, deadlineAt },
  get signal() {
    return ending.signal;
  },
  traceparent: currentTraceparent(),
});

function logged(error: unknown, method: string, log: Logger): CallError {
  log.error({ err: error, method }, "call failed with an unexpected error");
  return internal;
}

/** Codes that mean the server failed, by OpenTelemetry's conventions for RPC; the others are the caller's. */
const SERVER_FAULTS = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);
