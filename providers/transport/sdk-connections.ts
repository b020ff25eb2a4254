import { AsyncLocalStorage } from "node:async_hooks";
import diagnostics from "node:diagnostics_channel";
import * as http from "node:http";
import * as https from "node:https";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { ALWAYS, type MayBegin } from "../../core/ports/provider.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { type AddressFilter, AddressNotAllowedError } from "../../runtime/outbound.ts";
import {
  PROVIDER_ANSWER_BYTES_MAX,
  PROVIDER_SOCKET_IDLE_MS,
  PROVIDER_SOCKETS_MAX,
  type ProviderConnections,
  trusting,
} from "./provider-connections.ts";

/** Node announces here, in the caller's context, each request made over HTTP/1.1 (Node: Diagnostics Channel, HTTP). */
const REQUEST_CREATED = "http.client.request.created";

/** For an SDK's own timer, which cannot be off: the caller's signal comes first. Longer than PROVIDER_DEADLINE_MS can be. */
export const SDK_TIMEOUT_MS = 180_000;

/** The result of one call through an SDK, with what was observed on its connection. */
export type Exchange<T> =
  /** The SDK resolved. */
  | { kind: "returned"; value: T; seen: Seen }
  /** The SDK threw, or the signal aborted. The error may hold credentials: classify it, keep nothing. */
  | { kind: "threw"; error: unknown; seen: Seen };

/** What passed on the wire, independent of what the SDK returns. */
export interface Seen {
  /** Whether any byte of the request may have left. */
  written: boolean;
  /** Undefined until the answer's head arrived. */
  status: number | undefined;
  headers: http.IncomingHttpHeaders;
}

/**
 * Connections for SDKs that make their requests themselves, over node:http or node:https: bounded, with our authorities, and for each call
 * its own signal and a record of what was exchanged. SDKs report neither whether a failed request had been written nor, on errors, the answer's
 * headers.
 */
export interface SdkConnections extends Disposable {
  /** For the SDK. */
  readonly agent: https.Agent;
  /** For an SDK made of axios, as defaults of its requests: this agent, no redirects, no proxy of the environment. */
  readonly axios: { httpAgent: http.Agent; httpsAgent: http.Agent; maxRedirects: 0; proxy: false; maxContentLength: number };
  /** Runs `call`, which makes at most one request. Resolves at once when `signal` aborts: what was not written by then never is. Never rejects. */
  exchange<T>(signal: AbortSignal, call: () => Promise<T>, mayBegin?: MayBegin): Promise<Exchange<T>>;
}

const ENDED = AbortSignal.abort();

interface Call {
  signal: AbortSignal;
  mayBegin: MayBegin;
  seen: Seen;
}

/** @param connections without an origin, https to wherever the SDK goes; with one, there, whatever host the SDK insists on */
export function createSdkConnections(connections: Omit<ProviderConnections, "origin"> & { origin?: string }): SdkConnections {
  const agent = createAgent(connections);
  const calls = new AsyncLocalStorage<Call>();
  function onCreated(message: unknown) {
    const call = calls.getStore();
    const request = requestOf(message);
    if (call !== undefined && request !== undefined) watch(request, call);
  }
  diagnostics.subscribe(REQUEST_CREATED, onCreated);
  return {
    agent,
    axios: { httpAgent: agent, httpsAgent: agent, maxRedirects: 0, proxy: false, maxContentLength: PROVIDER_ANSWER_BYTES_MAX },
    async exchange(signal, run, mayBegin = ALWAYS) {
      const call: Call = { signal, mayBegin, seen: { written: false, status: undefined, headers: {} } };
      try {
        signal.throwIfAborted();
        return { kind: "returned", value: await withDeadline(calls.run(call, run), { signal }), seen: call.seen };
      } catch (error) {
        // A copy: what arrives after this is ignored.
        return { kind: "threw", error, seen: { ...call.seen } };
      } finally {
        // An SDK that threw may still be about to make its request.
        call.signal = ENDED;
      }
    },
    [Symbol.dispose]() {
      diagnostics.unsubscribe(REQUEST_CREATED, onCreated);
      agent.destroy();
    },
  };
}

const requestOf = (message: unknown) =>
  typeof message === "object" && message !== null && "request" in message && message.request instanceof http.ClientRequest
    ? message.request
    : undefined;

/** A request waits for a connection, and a new connection for its handshake; before that nothing of the request has left. */
function watch(request: http.ClientRequest, { signal, mayBegin, seen }: Call): void {
  const leave = () => request.destroy(new DOMException("the deadline passed", "AbortError"));
  if (signal.aborted) return void leave();
  signal.addEventListener("abort", leave, { once: true });
  request.once("close", () => signal.removeEventListener("abort", leave));
  request.once("socket", (socket) => {
    const leaves = () => {
      if (!mayBegin()) return leave();
      seen.written = true;
    };
    if (socket.connecting) socket.once(socket instanceof TLSSocket ? "secureConnect" : "connect", leaves);
    else leaves();
  });
  request.once("response", (response) => {
    seen.status = response.statusCode;
    seen.headers = response.headers;
    boundAnswer(request, response);
  });
}

/** Some SDKs read an answer without a bound. Node's parser pushes each piece of the body into the response. */
function boundAnswer(request: http.ClientRequest, response: http.IncomingMessage): void {
  const push = response.push.bind(response);
  let bytes = 0;
  response.push = (chunk: Buffer | null, encoding) => {
    bytes += chunk?.length ?? 0;
    if (bytes <= PROVIDER_ANSWER_BYTES_MAX) return push(chunk, encoding);
    request.destroy(new Error("the answer is too large"));
    return false;
  };
}

function createAgent({
  origin,
  ca,
  addressFilter,
  connectionsMax = PROVIDER_SOCKETS_MAX,
}: Parameters<typeof createSdkConnections>[0]): https.Agent {
  const pool = { keepAlive: true, maxSockets: connectionsMax, maxFreeSockets: connectionsMax, timeout: PROVIDER_SOCKET_IDLE_MS };
  // The two differ in what they are typed to have: `options`, which both have.
  if (origin?.startsWith("http:")) return new http.Agent(pool) as https.Agent;
  return new RedirectedAgent({ ...pool, secureContext: trusting(ca) }, origin, addressFilter);
}

class RedirectedAgent extends https.Agent {
  readonly #place: { host?: string };
  readonly #addressFilter: AddressFilter | undefined;

  constructor(options: https.AgentOptions, origin: string | undefined, addressFilter: AddressFilter | undefined) {
    super(options);
    this.#addressFilter = addressFilter;
    this.#place = origin === undefined ? {} : placeOf(new URL(origin));
  }

  override createConnection(
    options: Parameters<https.Agent["createConnection"]>[0],
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const placed = { ...options, ...this.#place };
    if (this.#addressFilter === undefined) return super.createConnection(placed, callback);
    // An address is dialled without a lookup.
    const { host } = placed;
    if (typeof host !== "string" || (isIP(host) !== 0 && !this.#addressFilter.allows(host))) {
      // Node's type wants a stream beside the error; its agent reads the error first.
      process.nextTick(callback as (error: Error) => void, new AddressNotAllowedError("the address may not be called"));
      return undefined;
    }
    return super.createConnection({ ...placed, lookup: this.#addressFilter.lookup }, callback);
  }
}

const placeOf = ({ hostname, port }: URL) => ({
  host: hostname.replace(/^\[|\]$/g, ""),
  port: port === "" ? 443 : Number(port),
  // An address is no server name; the certificate is then checked against the address itself.
  servername: /^[\d.]+$|^\[/.test(hostname) ? "" : hostname,
});
