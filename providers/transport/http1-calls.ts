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
}: Omit<ProviderConnections, "origin">): Http1Calls {
  const secureContext = trusting(ca);
  const agent = new Agent({
    connections: connectionsMax,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: PROVIDER_SOCKET_IDLE_MS,
    maxResponseSize: PROVIDER_ANSWER_BYTES_MAX,
    connect: createConnector({ ...(secureContext && { secureContext }) }, addressFilter),
  });
  return {
    async exchange(call, signal, mayBegin) {
      const seen: Seen = { written: false };
      try {
        return { kind: "answer", ...(await dispatched(agent, call, { signal, mayBegin, seen })) };
      } catch (error) {
        return { kind: "none", outcome: classifyTransport(error, { written: seen.written }) };
      }
    },
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

interface Seen {
  written: boolean;
}

interface Watched {
  signal: AbortSignal;
  mayBegin: MayBegin;
  seen: Seen;
}

const tooLate = () => new DOMException("the deadline passed", "AbortError");

/**
 * Rejects as soon as the signal aborts. undici starts a request only on a connection that stands, just before its first byte; until then the
 * request waits, and is not written once its turn comes. Its own request() makes two streams and an interceptor for each call: 180 us of CPU a
 * send to FCM instead of 133.
 */
async function dispatched(agent: Agent, call: Http1Call, { signal, mayBegin, seen }: Watched): Promise<Http1Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Http1Answer>();
  if (signal.aborted) throw tooLate();
  let running: Dispatcher.DispatchController | undefined;
  const stop = () => {
    reject(tooLate());
    running?.abort(tooLate());
  };
  const [answer, chunks]: [Pick<Http1Answer, "status" | "headers">, Buffer[]] = [{ status: 0, headers: {} }, []];
  const ended = () => signal.removeEventListener("abort", stop);
  signal.addEventListener("abort", stop, { once: true });
  agent.dispatch(call, {
    onRequestStart(controller) {
      if (signal.aborted || !mayBegin()) return controller.abort(tooLate());
      running = controller;
      seen.written = true;
    },
    onResponseStart(_, status, headers) {
      // Of an answer that announces another one (RFC 9110 section 15.2) nothing is kept: that one takes its place.
      Object.assign(answer, { status, headers });
    },
    onResponseData: (_, chunk) => void chunks.push(chunk),
    onResponseEnd() {
      ended();
      resolve({ ...answer, bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) });
    },
    onResponseError(_, error) {
      ended();
      reject(error);
    },
  });
  return promise;
}
