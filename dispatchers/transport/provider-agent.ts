import { AsyncLocalStorage } from "node:async_hooks";
import diagnostics from "node:diagnostics_channel";
import { ClientRequest } from "node:http";
import { Agent, type AgentOptions } from "node:https";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { PROVIDER_SOCKET_IDLE_MS, trusting } from "./provider-connections.ts";
import { untilAborted } from "./until-aborted.ts";

/** Node announces here, in the caller's context, each request made over HTTP/1.1 (Node: Diagnostics Channel, HTTP). */
const REQUEST_CREATED = "http.client.request.created";

export interface ProviderAgentOptions {
  /** PEM of further authorities; empty: the system's alone. */
  ca: string;
  /** Connections, which over HTTP/1.1 is also calls at once; further ones wait their turn. */
  connectionsMax: number;
  /** Connects here whatever host the SDK insists on. */
  origin?: string | undefined;
}

/** How an exchange ended: with the SDK's answer, or with whatever it threw and whether a byte of the request may have left. */
export type Exchange<T> = { kind: "answered"; answer: T } | { kind: "broken"; error: unknown; written: boolean };

/** Connections to a provider for an SDK that makes its requests out of sight, over node:https. */
export interface ProviderAgent extends Disposable {
  /** For the SDK. */
  readonly agent: Agent;
  /** Runs `work`, which makes at most one request. Once `signal` aborts, that request is destroyed; one not yet made or written never will be. */
  exchange<T>(signal: AbortSignal, work: () => Promise<T>): Promise<Exchange<T>>;
}

export function createProviderAgent({ ca, connectionsMax, origin }: ProviderAgentOptions): ProviderAgent {
  const calls = new AsyncLocalStorage<{ signal: AbortSignal; request: ClientRequest | undefined }>();
  const limits = { keepAlive: true, maxSockets: connectionsMax, timeout: PROVIDER_SOCKET_IDLE_MS };
  const agent = new TrackingAgent({ ...limits, secureContext: trusting(ca) }, origin);

  function onCreated(message: unknown) {
    const call = calls.getStore();
    const request = requestOf(message);
    if (call === undefined || request === undefined) return;
    call.request = request;
    if (call.signal.aborted) request.destroy();
  }
  diagnostics.subscribe(REQUEST_CREATED, onCreated);

  return {
    agent,
    async exchange(signal, work) {
      const call = { signal, request: undefined as ClientRequest | undefined };
      const destroy = () => call.request?.destroy();
      signal.addEventListener("abort", destroy, { once: true });
      try {
        signal.throwIfAborted();
        return { kind: "answered", answer: await untilAborted(signal, calls.run(call, work)) };
      } catch (error) {
        return { kind: "broken", error, written: agent.mayHaveWritten(call.request) };
      } finally {
        signal.removeEventListener("abort", destroy);
        // After a broken exchange the SDK may still be about to make its request.
        call.signal = AbortSignal.abort();
      }
    },
    [Symbol.dispose]() {
      diagnostics.unsubscribe(REQUEST_CREATED, onCreated);
      agent.destroy();
    },
  };
}

const requestOf = (message: unknown) =>
  typeof message === "object" && message !== null && "request" in message && message.request instanceof ClientRequest
    ? message.request
    : undefined;

/** Knows which of its sockets finished their handshake: before that, what was written to them has not left. */
class TrackingAgent extends Agent {
  readonly #secured = new WeakSet<object>();
  readonly #origin: URL | undefined;

  constructor(options: AgentOptions, origin: string | undefined) {
    super(options);
    this.#origin = origin === undefined ? undefined : new URL(origin);
  }

  mayHaveWritten(request: ClientRequest | undefined): boolean {
    return request?.socket != null && this.#secured.has(request.socket);
  }

  override createConnection(
    options: Parameters<Agent["createConnection"]>[0],
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const socket = super.createConnection({ ...options, ...elsewhere(this.#origin) }, callback);
    if (socket instanceof TLSSocket) socket.once("secureConnect", () => this.#secured.add(socket));
    return socket;
  }
}

const elsewhere = (origin: URL | undefined) =>
  origin === undefined
    ? {}
    : {
        host: origin.hostname.replace(/^\[|\]$/g, ""),
        port: origin.port === "" ? 443 : Number(origin.port),
        // An address is no server name; the certificate is then checked against the address itself.
        servername: /^[\d.]+$|^\[/.test(origin.hostname) ? "" : origin.hostname,
      };
