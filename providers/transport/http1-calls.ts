import { isIP } from "node:net";
import { Agent, buildConnector, type Dispatcher } from "undici";
import type { Outcome } from "../../core/delivery/outcome.ts";
import type { MayBegin } from "../../core/ports/provider.ts";
import { type AddressFilter, AddressNotAllowedError } from "../../runtime/outbound.ts";
import {
  PROVIDER_ANSWER_BYTES_MAX,
  PROVIDER_SOCKET_IDLE_MS,
  PROVIDER_SOCKETS_MAX,
  type ProviderConnections,
  trusting,
} from "./provider-connections.ts";
import { classifyTransport } from "./transport-fault.ts";

export type Http1Call = Pick<Dispatcher.RequestOptions, "path" | "method" | "headers" | "body"> & {
  /** Scheme, host and port. */
  origin: string;
};

export interface Http1Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  bytes: Uint8Array;
}

/** An answer, or the outcome where there is none. */
export type Http1Exchanged = ({ kind: "answer" } & Http1Answer) | { kind: "none"; outcome: Outcome };

/** Calls over HTTP/1.1 to any origin, each over bounded connections of its own. */
export interface Http1Calls extends AsyncDisposable {
  /** One call, never repeated or redirected. Never rejects. */
  exchange(call: Http1Call, signal: AbortSignal, mayBegin: MayBegin): Promise<Http1Exchanged>;
}

export function createHttp1Calls({
  ca,
  addressFilter,
  connectionsMax = PROVIDER_SOCKETS_MAX,
  answerBytesMax = PROVIDER_ANSWER_BYTES_MAX,
}: Omit<ProviderConnections, "origin">): Http1Calls {
  const secureContext = trusting(ca);
  const agent = new Agent({
    connections: connectionsMax,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: PROVIDER_SOCKET_IDLE_MS,
    // Also where the server says that it keeps its side for longer.
    keepAliveMaxTimeout: PROVIDER_SOCKET_IDLE_MS,
    maxResponseSize: answerBytesMax,
    connect: createConnector({ ...(secureContext && { secureContext }) }, addressFilter),
  });
  return {
    exchange: (call, signal, mayBegin) =>
      new Promise((resolve) => {
        const exchange = new Exchange(signal, mayBegin, resolve);
        if (signal.aborted) return exchange.stop();
        signal.addEventListener("abort", exchange.stop, { once: true });
        try {
          agent.dispatch(call, exchange);
        } catch (error) {
          exchange.fail(error);
        }
      }),
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

/** @param filter judges the addresses that names resolve to, and those that stand in an origin, which are dialled without a lookup */
function createConnector(
  tls: { secureContext?: ReturnType<typeof trusting> },
  filter: AddressFilter | undefined,
): buildConnector.connector {
  const connect = buildConnector({ ...tls, allowH2: false, ...(filter && { lookup: filter.lookup }) });
  if (filter === undefined) return connect;
  return (options, callback) => {
    const host = options.hostname.replace(/^\[(.*)\]$/, "$1");
    if (isIP(host) === 0 || filter.allows(host)) return connect(options, callback);
    process.nextTick(callback, new AddressNotAllowedError("the address may not be called"), null);
  };
}

const tooLate = () => new DOMException("the deadline passed", "AbortError");

/**
 * One call. Ends as soon as the signal aborts. undici starts a request only on a connection that stands, just before its first byte; until then the
 * request waits, and is not written once its turn comes. Its own request() makes two streams and an interceptor for each call. A class, as undici calls five
 * methods of it: as functions, they were made anew for each call.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal;
  readonly #mayBegin: MayBegin;
  readonly #settle: (exchanged: Http1Exchanged) => void;
  readonly stop = () => {
    const error = tooLate();
    this.fail(error);
    this.#running?.abort(error);
  };
  #running: Dispatcher.DispatchController | undefined;
  /** Whether any byte of the request may have left. */
  #written = false;
  #status = 0;
  #headers: Http1Answer["headers"] = {};
  readonly #pieces: Buffer[] = [];

  constructor(signal: AbortSignal, mayBegin: MayBegin, settle: (exchanged: Http1Exchanged) => void) {
    this.#signal = signal;
    this.#mayBegin = mayBegin;
    this.#settle = settle;
  }

  fail(error: unknown): void {
    this.#signal.removeEventListener("abort", this.stop);
    this.#settle({ kind: "none", outcome: classifyTransport(error, { written: this.#written }) });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#signal.aborted || !this.#mayBegin()) {
      controller.abort(tooLate());
      return;
    }
    this.#running = controller;
    this.#written = true;
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Http1Answer["headers"]): void {
    // Of an answer that announces another one (RFC 9110 section 15.2) nothing is kept: that one takes its place.
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#pieces.push(chunk);
  }

  onResponseEnd(): void {
    this.#signal.removeEventListener("abort", this.stop);
    const bytes = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    this.#settle({ kind: "answer", status: this.#status, headers: this.#headers, bytes });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }
}
