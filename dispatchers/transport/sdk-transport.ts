import { AsyncLocalStorage } from "node:async_hooks";
import * as http from "node:http";
import * as https from "node:https";
import { TLSSocket } from "node:tls";
import { PROVIDER_SOCKET_IDLE_MS, PROVIDER_SOCKETS_MAX, type ProviderConnections, trusting } from "./provider-connections.ts";
import { untilAborted } from "./until-aborted.ts";

/** What one call through an SDK came to, seen from below it. */
export type Exchange<T> =
  /** The SDK resolved. */
  | { kind: "returned"; value: T; seen: Seen }
  /** The SDK threw, or the signal aborted. The error may hold credentials: classify it, keep nothing. */
  | { kind: "threw"; error: unknown; seen: Seen };

/** What passed on the wire, whatever the SDK makes of it. */
export interface Seen {
  /** Whether any byte of the request may have left. */
  written: boolean;
  /** Undefined until the answer's head arrived. */
  status: number | undefined;
  headers: http.IncomingHttpHeaders;
}

/**
 * The place of node:https under SDKs made of axios: bounded connections, our authorities, no redirects, no proxy, and for each call its own
 * signal and an account of what passed. SDKs tell neither whether a failed request had left nor, on errors, the answer's headers.
 */
export interface SdkTransport extends Disposable {
  /** For axios' `transport`. */
  readonly axios: { request(options: http.RequestOptions, onResponse: (response: http.IncomingMessage) => void): http.ClientRequest };
  /** Runs one call that makes one request. Resolves at once when `signal` aborts; never rejects. */
  exchange<T>(signal: AbortSignal, call: () => Promise<T>): Promise<Exchange<T>>;
}

interface Call {
  signal: AbortSignal;
  seen: Seen;
}

export function createSdkTransport({ origin, ca, connectionsMax = PROVIDER_SOCKETS_MAX }: ProviderConnections): SdkTransport {
  const secure = new URL(origin).protocol === "https:";
  const pool = {
    keepAlive: true,
    maxSockets: connectionsMax,
    maxFreeSockets: connectionsMax,
    timeout: PROVIDER_SOCKET_IDLE_MS,
  };
  const secureContext = trusting(ca);
  const agent = secure ? new https.Agent({ ...pool, ...(secureContext && { secureContext }) }) : new http.Agent(pool);
  const calls = new AsyncLocalStorage<Call>();

  return {
    axios: {
      request(options, onResponse) {
        const request = (secure ? https : http).request({ ...options, agent }, onResponse);
        const call = calls.getStore();
        if (call) watch(request, call);
        return request;
      },
    },
    async exchange(signal, run) {
      const seen: Seen = { written: false, status: undefined, headers: {} };
      try {
        signal.throwIfAborted();
        return { kind: "returned", value: await untilAborted(signal, calls.run({ signal, seen }, run)), seen };
      } catch (error) {
        // A copy: what still arrives later belongs to nobody.
        return { kind: "threw", error, seen: { ...seen } };
      }
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** A request waits for a connection, and a new connection for its handshake; before that nothing of the request has left. */
function watch(request: http.ClientRequest, { signal, seen }: Call): void {
  const leave = () => request.destroy(new DOMException("deadline", "AbortError"));
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave, { once: true });
  request.once("close", () => signal.removeEventListener("abort", leave));
  request.once("socket", (socket) => {
    const leaves = () => {
      seen.written = true;
    };
    if (socket.connecting) socket.once(socket instanceof TLSSocket ? "secureConnect" : "connect", leaves);
    else leaves();
  });
  request.once("response", (response) => {
    seen.status = response.statusCode;
    seen.headers = response.headers;
  });
}
