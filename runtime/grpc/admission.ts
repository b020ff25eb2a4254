import { constants, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { type Metadata, ServerInterceptingCall, type ServerInterceptingCallInterface, type ServerInterceptor } from "@grpc/grpc-js";
import { internal } from "../answering.ts";
import { type CallError, callError, isCallError } from "../call-error.ts";
import type { Identity } from "../handler.ts";
import type { Logger } from "../logger.ts";
import type { Connection, Connections } from "./connections.ts";
import { afterDrain, answer, closeWhenAnswered, fail } from "./end-stream.ts";
import { headersFault } from "./headers.ts";
import { ANSWER_MS, FIELD_BYTES, OPEN_STREAM_MS, PIECE_BYTES, RECEIVE_MS } from "./limits.ts";
import { createMessageCounter, type MessageFault } from "./message-counter.ts";
import { isReceived, type MethodLimits } from "./methods.ts";
import { createOpenStreams } from "./open-streams.ts";
import type { Rejection, Rejections } from "./rejections.ts";
import type { Charged } from "./request-shares.ts";
import { callerKeyOf, rejectionOf, type SharedLimits, tooManyCalls, tooMuch } from "./shared-limits.ts";

/** Times and ceilings; tests set their own. */
export interface AdmissionLimits {
  receiveMs?: number;
  answerMs?: number;
  openStreamMs?: number;
  sweepMs?: number;
}

/** A call that its caller ends after it waited this long for the lookup of its key, in ms, does not count as wasted. */
const LOOKUP_SLOW_MS = 1_000;
/** How long after its limit an upload is ended here, in ms: its handler ends it before. */
const UPLOAD_GRACE_MS = 2_000;
/** How often calls are looked through for those that take too long. */
const SWEEP_MS = 500;

/** One call, from its headers to the end of its stream. */
interface Call extends Charged {
  readonly stream: ServerHttp2Stream;
  readonly method: MethodLimits;
  readonly connection: Connection | undefined;
  readonly authorization: string | undefined;
  readonly since: number;
  receiving: boolean;
  /** Its caller is known, or may be anybody. */
  admitted: boolean;
  /** Nothing more of it is looked at. */
  rejected: boolean;
  /** Its handler has begun and not settled. */
  working: boolean;
  /** What grpc-js answers with. */
  base: ServerInterceptingCallInterface | undefined;
}

/** A call whose message may be read, for what handles it. */
export interface AdmittedCall {
  /** Who calls, as the listener has found before the message was read. */
  readonly caller: unknown;
  /** The handler has begun. Until its promise settles, the call keeps its place and its bytes, even if its caller gives up. */
  worksOn(work: Promise<unknown>): void;
}

const admittedCalls = new WeakMap<Metadata, AdmittedCall>();

/** @throws Error if the listener has not admitted it: a bug */
export function admittedCall(metadata: Metadata): AdmittedCall {
  const call = admittedCalls.get(metadata);
  if (!call) throw new Error("a call was handled that was not admitted");
  return call;
}

const unknownMethod = callError("UNIMPLEMENTED", "UNIMPLEMENTED", "no such method");
const tooSlow = callError("DEADLINE_EXCEEDED", "DEADLINE", `the request did not arrive within ${RECEIVE_MS / 1_000} s of its headers`);
const tooLong = callError("DEADLINE_EXCEEDED", "DEADLINE", "the call was open for too long");

export interface Admission extends Disposable {
  readonly interceptor: ServerInterceptor;
  /** Takes over the server's streams, before the listener that grpc-js has put there. */
  guard(server: Http2Server): void;
}

/**
 * Decides about each call by its headers, before grpc-js reads a byte of its message: the method, its limits, who calls. A rejected call is
 * answered and its stream closed, so nothing of its message is read. Then the message is counted while it arrives.
 */
export function createAdmission(parts: {
  methods: ReadonlyMap<string, MethodLimits>;
  connections: Connections;
  rejections: Rejections;
  shared: SharedLimits;
  log: Logger;
  limits?: AdmissionLimits | undefined;
}): Admission {
  const { methods, connections, rejections, log, limits = {} } = parts;
  const { places, shares } = parts.shared;
  const { receiveMs = RECEIVE_MS, answerMs = ANSWER_MS, openStreamMs = OPEN_STREAM_MS, sweepMs = SWEEP_MS } = limits;
  const calls = new Set<Call>();
  /** The last credentials that were admitted on a connection, and whose they are: others may follow on it, as behind a proxy. */
  const admitted = new WeakMap<Connection, { authorization: string | undefined; callerKey: string }>();
  const openStreams = createOpenStreams<Call>((call, error) => {
    reject(call, error, "stream-limit");
    end(call);
  });
  // grpc-js calls the interceptor in the same turn as the listener of its stream.
  let arriving: Call | undefined;

  function reject(call: Call, error: CallError, reason: Rejection): void {
    if (call.rejected) return;
    call.rejected = true;
    if (!call.working) places.remove(call);
    rejections.count(reason, peerOf(call.connection));
    call.connection?.waste(reason);
    fail(call, error);
  }

  function end(call: Call): void {
    if (!calls.delete(call)) return;
    call.connection?.callEnded();
    openStreams.remove(call);
    if (!call.working) release(call);
  }

  function release(call: Call): void {
    shares.remove(call);
    places.remove(call);
  }

  function worksOn(call: Call, work: Promise<unknown>): void {
    call.working = true;
    const settled = () => {
      call.working = false;
      if (!calls.has(call)) release(call);
    };
    work.then(settled, settled);
  }

  function methodOf(headers: IncomingHttpHeaders, connection: Connection | undefined): MethodLimits | MessageFault {
    const fault = headersFault(headers);
    if (fault) return { error: fault, reason: "malformed" };
    const method = methods.get(headers[":path"] as string);
    if (!method) return { error: unknownMethod, reason: "unknown-method" };
    const known = connection && admitted.get(connection);
    // The same answer as in admit(), for less: grpc-js does not learn of the call.
    const isKnown = known !== undefined && !method.anybody && known.authorization === headers.authorization;
    if (isKnown && !places.hasRoom(known.callerKey)) return { error: tooManyCalls, reason: "overloaded" };
    const error = openStreams.fault(method, connection);
    return error ? { error, reason: "stream-limit" } : method;
  }

  function onStream(toGrpc: StreamListener, stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number): void {
    stream.on("error", () => undefined);
    // Reset in the same piece of bytes that began it: a flood of these costs a stream object each, and nothing more.
    if (stream.closed || stream.destroyed) return;
    const connection = connections.of(stream.session as ServerHttp2Session | undefined);
    const method = methodOf(headers, connection);
    if ("error" in method) {
      rejections.count(method.reason, peerOf(connection));
      connection?.waste(method.reason);
      answer(stream, method.error);
      return;
    }
    const call: Call = {
      stream,
      method,
      connection,
      since: performance.now(),
      receiving: true,
      admitted: false,
      rejected: false,
      working: false,
      // Until the caller is known: whoever has called over this connection before.
      callerKey: connection?.callerKey,
      authorization: headers.authorization,
      bytes: 0,
      base: undefined,
      giveWay() {
        reject(call, tooMuch, "overloaded");
        end(call);
      },
    };
    calls.add(call);
    openStreams.add(call);
    shares.add(call);
    connection?.callBegan();
    stream.once("close", () => {
      const gaveUp = !call.admitted && performance.now() - call.since > LOOKUP_SLOW_MS;
      if (!call.rejected && !gaveUp && stream.rstCode !== constants.NGHTTP2_NO_ERROR) connection?.waste("reset");
      end(call);
    });
    arriving = call;
    try {
      toGrpc(stream, headers, flags);
      count(call);
    } catch (error) {
      log.error({ err: error }, "a call cannot be taken because of an unexpected error");
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    } finally {
      arriving = undefined;
    }
  }

  /** Ahead of grpc-js, so that it never sees what is over a limit. grpc-js has paused the stream; it flows when the caller is known. */
  function count(call: Call): void {
    const { stream } = call;
    const counter = createMessageCounter(call.method);
    const stop = ({ error, reason }: MessageFault) => reject(call, error, reason);
    const push = stream.push.bind(stream);
    // What arrives is in memory, also while nobody reads it: a whole window can come before the caller is known. Of a rejected call nothing is kept.
    stream.push = (piece: Buffer | null) => {
      if (piece === null) return push(piece);
      if (!call.rejected && !(call.admitted && call.method.upload)) shares.charge(call, piece.length + PIECE_BYTES);
      return !call.rejected && push(piece);
    };
    stream.prependListener("data", (piece: Buffer) => {
      const fault = call.rejected ? undefined : counter.piece(piece);
      if (fault) stop(fault);
    });
    stream.prependListener("end", () => {
      call.receiving = false;
      const fault = call.rejected ? undefined : counter.end();
      if (fault) stop(fault);
    });
  }

  const interceptor: ServerInterceptor = (_, next) => {
    const call = arriving;
    if (!call) throw new Error("grpc-js does not call interceptors while a stream arrives");
    call.base = next;
    const admit = (metadata: Metadata, caller: Identity | CallError, proceed: (metadata: Metadata) => void) => {
      call.admitted = true;
      if (isCallError(caller)) return reject(call, caller, rejectionOf(caller));
      if (!call.method.anybody) {
        const callerKey = callerKeyOf(caller);
        call.connection?.prove(callerKey);
        if (call.connection) admitted.set(call.connection, { authorization: call.authorization, callerKey });
        if (!places.hasRoom(callerKey)) return reject(call, tooManyCalls, "overloaded");
        // It may have ended while its caller was looked up: then nothing would free its place.
        if (calls.has(call)) places.add(call, callerKey);
        shares.assign(call, callerKey);
        // From here on it is read only as fast as it is handled, so that it never holds more.
        if (call.method.upload) shares.charge(call, Math.max(0, call.method.upload.heldBytes - call.bytes));
        if (call.rejected) return;
      }
      admittedCalls.set(metadata, { caller, worksOn: (work) => worksOn(call, work) });
      proceed(metadata);
    };
    return new ServerInterceptingCall(next, {
      start(listen) {
        listen({
          onReceiveMetadata(metadata, proceed) {
            const caller = call.method.authenticate((name) => metadata.get(name)[0]?.toString());
            if (!(caller instanceof Promise)) return admit(metadata, caller, proceed);
            caller
              .then((found) => admit(metadata, found, proceed))
              .catch((error: unknown) => {
                log.error({ err: error }, "the caller cannot be authenticated because of an unexpected error");
                fail(call, internal);
              });
          },
          onReceiveMessage(message, proceed) {
            if (!isReceived(message)) return afterDrain(call.stream, () => proceed(message));
            const { error, reason, fields, value } = message;
            if (error) return reject(call, error, reason);
            if (!call.method.upload) shares.charge(call, fields * FIELD_BYTES);
            if (!call.rejected) afterDrain(call.stream, () => proceed(value));
          },
        });
      },
      sendMetadata(metadata, send) {
        // Instead of the encodings that grpc-js offers.
        metadata.set("grpc-accept-encoding", "identity");
        send(metadata);
      },
      sendStatus(answered, send) {
        send(answered);
        // Answered before its end: nobody reads the rest.
        if (call.method.upload && call.receiving) closeWhenAnswered(call.stream);
      },
    });
  };

  const sweep = setInterval(() => {
    const now = performance.now();
    for (const call of calls) {
      const age = now - call.since;
      if (call.method.upload) {
        if (age > call.method.upload.lifeMs + UPLOAD_GRACE_MS) reject(call, tooLong, "too-slow");
      } else if (call.method.open && call.method.messagesMax > 1) {
        if (age > openStreamMs) reject(call, tooLong, "too-slow");
      } else if (call.receiving && age > receiveMs) reject(call, tooSlow, "too-slow");
      else if (call.method.unary && age > answerMs) reject(call, tooLong, "too-slow");
    }
  }, sweepMs).unref();

  return {
    interceptor,
    guard(server) {
      const [toGrpc, ...others] = server.listeners("stream") as StreamListener[];
      if (!toGrpc || others.length > 0) throw new Error("grpc-js puts another number of listeners on its server than one");
      server.removeAllListeners("stream");
      server.on("stream", onStream.bind(undefined, toGrpc));
      server.on("session", (session: ServerHttp2Session) => connections.established(session));
      server.on("sessionError", (_error: Error, session: ServerHttp2Session) =>
        rejections.count("http2-error", peerOf(connections.of(session))),
      );
    },
    [Symbol.dispose]: () => clearInterval(sweep),
  };
}

type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number) => void;

const peerOf = (connection: Connection | undefined): string => connection?.peer ?? "unknown";
