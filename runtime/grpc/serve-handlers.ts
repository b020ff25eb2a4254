import type {
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  ServerReadableStream,
  ServerUnaryCall,
  ServiceDefinition,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type AnsweringParts, cancelled, createAnswering, deadlineExceeded, HANDLE_MS_MAX, logged } from "../answering.ts";
import { type CallError, isCallError } from "../call-error.ts";
import type { Authenticate, CallContext, Handler, Identity, ReadHeader, StreamHandler, UploadHandler } from "../handler.ts";
import type { Logger } from "../logger.ts";
import { currentTraceparent } from "../tracing.ts";
import { admittedCall } from "./admission.ts";
import { createEarlyEnd, type EarlyEnd } from "./early-end.ts";
import type { GrpcService, UnaryCall, UploadLimits } from "./methods.ts";
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

export interface ServeParts<Caller extends Identity> extends AnsweringParts {
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
}

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
  const unary = new Map<string, UnaryCall>();
  const { authenticate, messageBytesMax, itemsOf, uploads = {} } = parts;
  for (const [name, { path, requestStream, responseStream }] of Object.entries(definition)) {
    const handler: unknown = handlers[name];
    const upload = uploads[name];
    implementation[name] = responseStream
      ? serveStream(handler as StreamHandler<unknown, unknown, Caller>, parts)
      : upload
        ? serveUpload(handler as UploadHandler<unknown, unknown, Caller>, parts, upload)
        : serveUnary(handler as Handler<unknown, unknown, Caller>, parts);
    if (!requestStream && !responseStream) unary.set(path, unaryCall(handler as Handler<unknown, unknown, Caller>, parts));
  }
  return { definition, implementation, unary, authenticate, messageBytesMax, itemsOf, uploads };
}

/** The handler for another transport than gRPC. */
function unaryCall<Caller extends Identity>(handler: Handler<unknown, unknown, Caller>, parts: ServeParts<Caller>): UnaryCall {
  const answering = createAnswering(parts);
  return {
    handleMsMax: parts.handleMsMax ?? HANDLE_MS_MAX,
    answer: (request, { caller, deadlineAt, ...call }) =>
      answering(call, () => handler(request, contextOf(caller as Caller, call.early, deadlineAt))),
  };
}

const serveUnary = <Caller extends Identity>(
  handler: Handler<unknown, unknown, Caller>,
  parts: ServeParts<Caller>,
): handleUnaryCall<unknown, unknown> =>
  answerOnce<ServerUnaryCall<unknown, unknown>, Caller>((call, early, deadlineAt) => {
    const caller = admittedCall(call.metadata).caller as Caller;
    return handler(call.request, contextOf(caller, early, deadlineAt));
  }, parts);

const serveUpload = <Caller extends Identity>(
  handler: UploadHandler<unknown, unknown, Caller>,
  parts: ServeParts<Caller>,
  { lifeMs, silentMs }: UploadLimits,
): handleClientStreamingCall<unknown, unknown> =>
  answerOnce<ServerReadableStream<unknown, unknown>, Caller>(
    (call, early, deadlineAt) => {
      const caller = admittedCall(call.metadata).caller as Caller;
      return handler(messagesOf(call, early, silentMs), contextOf(caller, early, deadlineAt));
    },
    { ...parts, handleMsMax: lifeMs },
  );

function answerOnce<Call extends ServerUnaryCall<unknown, unknown> | ServerReadableStream<unknown, unknown>, Caller extends Identity>(
  handle: (call: Call, early: EarlyEnd, deadlineAt: number) => Promise<unknown>,
  parts: ServeParts<Caller>,
): (call: Call, callback: sendUnaryData<unknown>) => void {
  const { handleMsMax = HANDLE_MS_MAX } = parts;
  const answering = createAnswering(parts);
  return (call, callback) => {
    const now = Date.now();
    const deadlineAt = Math.min(Number(call.getDeadline()), now + handleMsMax);
    const early = createEarlyEnd();
    if (deadlineAt <= now) early.end(deadlineExceeded);
    const timer = setTimeout(early.end, Math.max(0, deadlineAt - now), deadlineExceeded);
    // grpc-js reports a passed deadline as "cancelled" too, sometimes before our timer fires; and every call that was answered.
    call.on("cancelled", () => early.end(deadlineAt <= Date.now() ? deadlineExceeded : cancelled));
    const path = call.getPath().slice(1);
    const { worksOn } = admittedCall(call.metadata);
    void answering({ path, header: headersOf(call), early, worksOn }, () => handle(call, early, deadlineAt)).then((result) => {
      clearTimeout(timer);
      if (isCallError(result)) sendError(result, (error) => callback(toServiceError(error)), path, parts.log);
      else callback(null, result);
    });
  };
}

/** Sends an error, or INTERNAL where grpc-js cannot send it: nobody would catch what it throws, and the process would end. */
function sendError(error: CallError, send: (error: CallError) => void, path: string, log: Logger): void {
  try {
    send(error);
  } catch (fault) {
    send(logged(fault, path, log));
  }
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
      const caller = admittedCall(call.metadata).caller as Caller;
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
        const send = (one: CallError) => call.emit("error", toServiceError(one));
        if (error && !signal.aborted) sendError(error, send, call.getPath().slice(1), log);
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
