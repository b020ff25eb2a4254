import type { IncomingMessage } from "node:http";
import { cancelled, deadlineExceeded, logged } from "../answering.ts";
import { callError, isCallError } from "../call-error.ts";
import { createEarlyEnd } from "../grpc/early-end.ts";
import { HEADER_BYTES_MAX } from "../grpc/limits.ts";
import type { GrpcService } from "../grpc/methods.ts";
import { callerKeyOf, rejectionOf, type SharedLimits, tooManyCalls } from "../grpc/shared-limits.ts";
import type { Identity, ReadHeader } from "../handler.ts";
import { type Arrived, type HttpListener, type HttpResponse, startHttpListener } from "../http/listener.ts";
import { parseTarget } from "../http/parse-target.ts";
import type { HttpRejection } from "../http/rejections.ts";
import type { Logger } from "../logger.ts";
import type { Certificates } from "../tls/grpc-tls.ts";
import { type CallHead, CONTENT_TYPES, readHead } from "./call-head.ts";
import { ANSWER_HEADERS, errorAnswer, type HttpFault } from "./error-answer.ts";
import { type ConnectMethod, connectMethods } from "./methods.ts";
import { readMessage } from "./read-request.ts";
import { createReadingTurns, type ReadingTurns } from "./reading-turns.ts";
import { type Charge, cutOff, giveWay, isCharged, overloaded, receive, tooLarge } from "./receive.ts";

export interface ConnectServerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** The unary methods of these are served. */
  services: readonly GrpcService[];
  /** The bounds of calls and bytes under way, together with the gRPC listener of the same services. */
  shared: SharedLimits;
  /** Answers to GET by path, for everybody. */
  documents?: ReadonlyMap<string, HttpResponse>;
  tls?: Certificates | undefined;
  /** When bodies are read; absent: as createReadingTurns() says. */
  turns?: ReadingTurns;
  log: Logger;
  onRejected?: (reason: HttpRejection, peer: string | undefined) => void;
  drainMs?: number;
  connectionsMax?: number;
  /** A request must have arrived whole by then. */
  requestMsMax?: number;
}

export interface ConnectServer extends HttpListener {
  /** Until the signal aborts connections are kept; then each answer closes its own. */
  serveUntil(signal: AbortSignal): void;
}

const unknownPath: HttpFault = {
  error: callError("UNIMPLEMENTED", "UNIMPLEMENTED", "no such method; a call is POST /carillon.v1.<Service>/<Method>"),
  ...{ status: 404, rejected: "path" },
};
const streamed: HttpFault = {
  error: callError("UNIMPLEMENTED", "UNIMPLEMENTED", "streams are served over gRPC only"),
  rejected: "path",
};

/**
 * Serves the unary methods of gRPC services to HTTP clients: the Connect protocol, with JSON or protobuf (connectrpc.com/docs/protocol). Who calls, and
 * whether there is room for the call, is decided by the head of a request, before its body is read. Rejects if it cannot listen.
 */
export async function startConnectServer(options: ConnectServerOptions): Promise<ConnectServer> {
  const { services, shared, documents, log, turns = createReadingTurns() } = options;
  const methods = connectMethods(services);

  async function answer(request: Arrived): Promise<HttpResponse> {
    const { message } = request;
    const { path } = parseTarget(message.url);
    const document = message.method === "GET" || message.method === "HEAD" ? documents?.get(path) : undefined;
    if (document) return document;
    if (!methods.has(path)) return fault(unknownPath);
    const method = methods.get(path);
    if (!method) return fault(streamed);
    const head = readHead(message, method);
    if ("error" in head) return fault(head);
    const { bodyBytesMax } = method;
    if (Number(message.headers["content-length"] ?? 0) > bodyBytesMax) return fault(tooLarge(bodyBytesMax));
    const header = readHeader(message);
    const caller = await method.limits.authenticate(header);
    if (isCallError(caller)) return errorAnswer(caller, { rejected: rejectionOf(caller) });
    return serve({ request, method, head, header, caller });
  }

  /** Of an admitted caller: takes a place, and gives it back whatever happens. */
  async function serve({ request, method, head, header, caller }: Call): Promise<HttpResponse> {
    const { message, gone } = request;
    // It may have gone while it was asked who calls: then nothing would end the wait for its body.
    if (gone.aborted) return errorAnswer(cutOff);
    const callerKey = callerKeyOf(caller);
    if (!shared.places.hasRoom(callerKey)) return errorAnswer(tooManyCalls, { rejected: "overloaded" });
    const call: Charge = { callerKey, bytes: 0, receiving: true, gaveWay: false, stop: undefined, giveWay: () => giveWay(call) };
    shared.places.add(call, callerKey);
    shared.shares.add(call);
    let work: Promise<unknown> | undefined;
    const early = createEarlyEnd();
    const onGone = () => early.end(cancelled);
    gone.addEventListener("abort", onGone, { once: true });
    void early.whenEnded.then((error) => call.stop?.({ error, rejected: "timeout" }));
    // A caller's own time begins with the head, ours with the whole request.
    const callerEndsAt = head.timeoutMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + head.timeoutMs;
    let timer = endAt(callerEndsAt);
    try {
      request.wantBody();
      const body = head.message ?? (await receive(message, method.bodyBytesMax, call, shared));
      if ("error" in body) return fault(body);
      call.receiving = false;
      request.busy();
      const deadlineAt = Math.min(callerEndsAt, Date.now() + method.call.handleMsMax);
      clearTimeout(timer);
      timer = endAt(deadlineAt);
      const reading = turns.run({ callerKey, bytes: body.length, isOver: () => early.why !== undefined }, () =>
        readMessage(body, { method, head }, (bytes) => isCharged(call, bytes, shared)),
      );
      if (!reading) return fault(overloaded);
      const read = await Promise.race([reading, early.whenEnded]);
      if (isCallError(read)) return errorAnswer(read);
      const { isProtoSpelling } = read;
      if (read.error) return errorAnswer(read.error, { rejected: "malformed", ...read });
      const worksOn = (begun: Promise<unknown>) => {
        work = begun;
      };
      const result = await method.call.answer(read.value, { path: method.path, header, early, caller, deadlineAt, worksOn });
      if (isCallError(result)) return errorAnswer(result, { isProtoSpelling });
      const bytes = method.encode(result);
      return {
        status: 200,
        headers: { ...ANSWER_HEADERS, "content-type": CONTENT_TYPES[head.codec] },
        body: head.codec === "json" ? method.bytesToJson(bytes) : bytes,
      };
    } finally {
      clearTimeout(timer);
      gone.removeEventListener("abort", onGone);
      // A handler that goes on after its caller has gone keeps the call's place and bytes.
      if (work) work.then(release, release);
      else release();
    }

    function release(): void {
      shared.shares.remove(call);
      shared.places.remove(call);
    }

    function endAt(moment: number): NodeJS.Timeout | undefined {
      return moment === Number.POSITIVE_INFINITY ? undefined : setTimeout(early.end, Math.max(0, moment - Date.now()), deadlineExceeded);
    }
  }

  const listener = await startHttpListener({
    ...options,
    headBytesMax: HEADER_BYTES_MAX,
    async answer(request) {
      try {
        return await answer(request);
      } catch (error) {
        return errorAnswer(logged(error, parseTarget(request.message.url).path.slice(1), log));
      }
    },
    onFault: (error, message) => log.error({ err: error, method: message.method }, "an answer could not be written"),
  });
  return {
    ...listener,
    serveUntil: (signal) => signal.addEventListener("abort", listener.closeConnections, { once: true }),
  };
}

interface Call {
  request: Arrived;
  method: ConnectMethod;
  head: CallHead;
  header: ReadHeader;
  caller: Identity;
}

const fault = (what: HttpFault): HttpResponse => errorAnswer(what.error, what);

const readHeader =
  ({ headers }: IncomingMessage): ReadHeader =>
  (name) => {
    const value = headers[name];
    return typeof value === "string" ? value : undefined;
  };
