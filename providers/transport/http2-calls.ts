import { type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from "node:http2";
import type { MayBegin } from "../../core/ports/provider.ts";
import { createFairQueue, type QueueBounds } from "../../runtime/fair-queue.ts";
import { Http2Error, type Http2Options, type Http2Session, openHttp2Session } from "./http2-session.ts";
import { PROVIDER_ANSWER_BYTES_MAX } from "./provider-connections.ts";
import { isRefusedStream } from "./transport-fault.ts";

/**
 * A connection that was idle for longer, in ms, is closed: there may be hundreds of accounts, and a proxy or a NAT on the way may have dropped it. Not
 * sooner: Apple takes connections that are opened and closed in quick succession for an attack.
 */
const IDLE_MS = 900_000;
/** From an answer that is known until its stream has ended, in ms: the end comes with it. Until then the stream counts as one of the calls at once. */
const ANSWER_END_MS = 1_000;
/** Calls that wait, and the bytes of their bodies: what a pod has in flight at most with the highest DISPATCH_IN_FLIGHT. Pushes are 1 kB, 4 at most. */
const WAITING: QueueBounds = { itemsMax: 25_000, bytesMax: 64 * 1024 * 1024 };
const ONE: QueueBounds = { itemsMax: 1, bytesMax: Number.POSITIVE_INFINITY };
const ALL: QueueBounds = { itemsMax: Number.POSITIVE_INFINITY, bytesMax: Number.POSITIVE_INFINITY };

export interface Http2Request {
  headers: OutgoingHttpHeaders;
  body: string;
}

/** One call: when it may be made, and whether it was. */
export interface Http2Call {
  signal: AbortSignal;
  mayBegin: MayBegin;
  /** Set once a byte of the request may have left. */
  written: boolean;
}

export interface Http2Answer {
  status: number;
  /** Of a status other than 200; that one is the whole answer. */
  body: string;
}

/** Calls to one origin over one connection, which carries as many at once as the server lets it. */
export interface Http2Calls extends Disposable {
  /**
   * Rejects with the transport's error. A call that the server says it did not process (RFC 9113 section 8.7) is repeated once; other calls never
   * are.
   */
  send(request: Http2Request, call: Http2Call): Promise<Http2Answer>;
}

export interface Http2CallsOptions extends Http2Options {
  /** Further calls are rejected at once. */
  waiting?: QueueBounds;
  /** Default IDLE_MS. */
  idleMs?: number;
}

interface Waiting {
  readonly request: Http2Request;
  readonly bytes: number;
  readonly call: Http2Call;
  stream: ClientHttp2Stream | undefined;
  repeated: boolean;
  settled: boolean;
  resolve(answer: Http2Answer): void;
  reject(error: unknown): void;
}

export function createHttp2Calls({ waiting: bounds = WAITING, idleMs = IDLE_MS, ...options }: Http2CallsOptions): Http2Calls {
  const waiting = createFairQueue<Waiting>(bounds, { bytesOf: ({ bytes }) => bytes });
  /** The one that takes calls. */
  let session: Http2Session | undefined;
  /** With it those on which earlier calls still wait for their answers. */
  const sessions = new Set<Http2Session>();
  let disposed = false;

  function put(entry: Waiting): void {
    waiting.dropWhile(isSettled);
    if (disposed) entry.reject(tooLate());
    else if (waiting.push(entry)) begin();
    else entry.reject(new Http2Error("ERR_NO_CONNECTION_SLOT", "too many calls wait for the connection"));
  }

  function isAnyWaiting(): boolean {
    waiting.dropWhile(isSettled);
    return waiting.length > 0;
  }

  /** Begins what the connection has room for; makes one where something waits and none is usable. */
  function begin(): void {
    while (!disposed && isAnyWaiting()) {
      // Late after the process was paused: the timer has not run yet.
      if (session !== undefined && session.idleMs() >= idleMs) session.retire();
      if (session === undefined || !session.isUsable()) session = connect();
      if (!session.hasRoom()) return;
      beginOne(waiting.take(ONE)[0]!, session);
    }
  }

  function connect(): Http2Session {
    let closing: NodeJS.Timeout | undefined;
    const own = openHttp2Session(options, {
      changed: begin,
      ended(untried) {
        clearTimeout(closing);
        sessions.delete(own);
        if (session !== own) return;
        session = undefined;
        // Another one is made only after one that worked: no server is dialled in a loop.
        if (untried === undefined) return begin();
        for (const entry of waiting.take(ALL)) entry.reject(untried);
      },
    });
    sessions.add(own);
    closeWhenIdle(idleMs);
    return own;

    function closeWhenIdle(afterMs: number): void {
      closing = setTimeout(() => {
        const leftMs = idleMs - own.idleMs();
        if (leftMs <= 0) own.retire();
        else closeWhenIdle(leftMs);
      }, afterMs).unref();
    }
  }

  function beginOne(entry: Waiting, on: Http2Session): void {
    const { request, call } = entry;
    if (!call.mayBegin()) {
      entry.reject(tooLate());
      return;
    }
    let stream: ClientHttp2Stream;
    try {
      stream = on.open(request.headers);
    } catch (error) {
      entry.reject(error);
      return;
    }
    call.written = true;
    entry.stream = stream;
    readAnswer(stream, {
      answered: entry.resolve,
      failed(error) {
        if (!isRefusedStream(error) || entry.repeated || entry.settled) return entry.reject(error);
        Object.assign(entry, { repeated: true, stream: undefined });
        call.written = false;
        put(entry);
      },
    });
    stream.end(request.body);
  }

  return {
    send: (request, call) =>
      new Promise((resolve, reject) => {
        if (disposed || call.signal.aborted) return reject(tooLate());
        const settle = () => {
          entry.settled = true;
          entry.stream = undefined;
          call.signal.removeEventListener("abort", stop);
        };
        const entry: Waiting = {
          ...{ request, bytes: Buffer.byteLength(request.body), call, stream: undefined, repeated: false, settled: false },
          resolve(answer) {
            settle();
            resolve(answer);
          },
          reject(error) {
            settle();
            reject(error);
          },
        };
        const stop = () => {
          const { stream } = entry;
          entry.reject(tooLate());
          // Not in the tick that opened it: Node 24 then writes that stream's frames without end.
          if (stream !== undefined) setImmediate(() => stream.close(constants.NGHTTP2_CANCEL));
        };
        call.signal.addEventListener("abort", stop, { once: true });
        put(entry);
      }),
    [Symbol.dispose]() {
      disposed = true;
      for (const entry of waiting.take(ALL)) entry.reject(tooLate());
      for (const each of sessions) each.destroy();
    },
  };
}

const isSettled = ({ settled }: Waiting) => settled;
const tooLate = () => new DOMException("the deadline passed", "TimeoutError");

interface AnswerEvents {
  answered(answer: Http2Answer): void;
  failed(error: unknown): void;
}

function readAnswer(stream: ClientHttp2Stream, { answered, failed }: AnswerEvents): void {
  let status = 0;
  let body = "";
  let length = 0;
  let isKnown = false;
  let late: NodeJS.Timeout | undefined;
  const cancel = () => stream.close(constants.NGHTTP2_CANCEL);
  const fail = (error: unknown) => {
    if (isKnown) return;
    isKnown = true;
    failed(error);
  };
  const answer = () => {
    if (isKnown) return;
    isKnown = true;
    late = setTimeout(cancel, ANSWER_END_MS);
    answered({ status, body });
  };
  stream.on("response", (headers) => {
    status = Number(headers[":status"]);
    if (status === 200) answer();
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      length += text.length;
      if (!isKnown) body += text;
      if (length <= PROVIDER_ANSWER_BYTES_MAX) return;
      fail(new Http2Error("ERR_ANSWER_TOO_LARGE", "the answer is too large"));
      cancel();
    });
    stream.on("end", answer);
  });
  stream.on("error", fail);
  stream.on("close", () => {
    clearTimeout(late);
    // Not built for each call that was answered: an error with its stack takes 10 us.
    if (!isKnown) fail(new Http2Error("ECONNRESET", "the stream was closed without an answer"));
  });
}
