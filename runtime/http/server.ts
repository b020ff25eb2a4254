import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Registry } from "prom-client";
import { type Condition, conditionsText } from "../conditions.ts";
import { withDeadline } from "../deadline.ts";
import type { Logger } from "../logger.ts";
import { type BodySlots, createBodySlots } from "./body-slots.ts";
import { type BoundConnections, boundConnections } from "./connections.ts";
import { close, listen } from "./listen.ts";
import { parseTarget } from "./parse.ts";
import { type ReadBody, readBody } from "./read-body.ts";
import type { HttpRejection } from "./rejections.ts";

/** A request must have arrived whole by then; senders of webhooks give up after 3 to 15 s themselves. */
const REQUEST_MS_MAX = 10_000;
const HEADERS_MS_MAX = 5_000;
/** How often Node looks for requests that took too long; its own default of 30 s would triple the limits above. */
const CHECK_MS = 1_000;
/** How long a route may take to answer. */
const HANDLE_MS_MAX = 10_000;
/** How long nothing may pass on a connection during a request: longer than a route may take. Ends callers that read no answer. */
const SILENT_MS_MAX = 15_000;
/** Longer than the 60 s of usual load balancers, so that the load balancer closes first. */
const KEEP_ALIVE_MS = 65_000;
/** How long requests under way may take to finish at shutdown. */
const DRAIN_MS = 10_000;
/** Node keeps up to 64 kB of each that nobody reads: 32 MB. Load balancers, probes and Prometheus need a few dozen. */
const CONNECTIONS_MAX = 512;
/** Then the connection is closed. One that sends all its requests at once cannot make more work than this. */
const REQUESTS_PER_CONNECTION_MAX = 1_000;
/** Signatures and tokens take below 2 kB. */
const HEAD_BYTES_MAX = 8_192;
const HEADERS_MAX = 64;
/** Retry-After where there is no room for a body, in seconds. */
const RETRY_AFTER_S = 5;

/** A request before its body is read. */
export interface RequestHead {
  method: string;
  /** Without the query, as it was sent. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
}

export interface HttpRequest extends RequestHead {
  /** Unchanged bytes, for signatures. */
  body: Buffer;
  /** Aborts when the caller disconnects or the deadline passes. */
  signal: AbortSignal;
}

export interface HttpResponse {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /** Counted and logged as a rejection. */
  rejected?: HttpRejection;
}

export interface Route {
  method: "GET" | "POST";
  /** Exact, or ending in "/*": everything below. */
  path: string;
  /** Whether the path is there at the moment; otherwise it is answered 404 like any other. */
  isServed?(path: string): boolean;
  /** Larger bodies are answered 413 unread. Default 0: no body is read. */
  bodyBytesMax?: number;
  /** An answer that needs no body: then none is read, and the connection is closed. */
  screen?(head: RequestHead): HttpResponse | undefined;
  handle(request: HttpRequest): Promise<HttpResponse>;
}

export interface HttpServerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** What /readyz answers. */
  ready(): boolean;
  /** What /readyz?verbose shows besides; absent for a port that is reachable from outside. */
  conditions?: (() => readonly Condition[]) | undefined;
  log: Logger;
  /** What /metrics prints; undefined: no /metrics, for a port that is reachable from outside. */
  registry?: Registry | undefined;
  routes?: readonly Route[];
  /** Called with every rejection. */
  onRejected?: (reason: HttpRejection, peer: string | undefined) => void;
  handleMsMax?: number;
  drainMs?: number;
  connectionsMax?: number;
  requestMsMax?: number;
  bodySlots?: BodySlots;
}

export interface HttpServer extends AsyncDisposable {
  readonly port: number;
}

/**
 * Serves GET /healthz, /readyz and /metrics, and the routes. A route that throws is logged and answered 500 without its text.
 * Disposal lets requests under way finish for `drainMs`. Rejects if it cannot listen.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { log, drainMs = DRAIN_MS, requestMsMax = REQUEST_MS_MAX, onRejected = () => undefined } = options;
  const server = createServer({
    requestTimeout: requestMsMax,
    headersTimeout: Math.min(HEADERS_MS_MAX, requestMsMax),
    connectionsCheckingInterval: Math.min(CHECK_MS, requestMsMax),
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: HEAD_BYTES_MAX,
  });
  server.maxHeadersCount = HEADERS_MAX;
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX;
  server.timeout = SILENT_MS_MAX;
  const connections = boundConnections(server, options.connectionsMax ?? CONNECTIONS_MAX, (peer) => onRejected("connections", peer));
  const answer = createAnswer(options, connections);
  let closing = false;
  server.on("request", (message, response) => {
    const gone = new AbortController();
    let route: Route | undefined;
    response.on("close", () => gone.abort());
    answer(message, gone.signal, (found) => {
      route = found;
    })
      .catch((error: unknown) => {
        if (!message.complete) return text(400, "cut off");
        // The route's path as it is registered, because the path and the query of a request may contain a recipient's token.
        log.error({ err: error, method: message.method, route: route?.path }, "a request failed");
        return text(500, "an error of ours");
      })
      .then((result) => {
        if (result.rejected) onRejected(result.rejected, message.socket.remoteAddress);
        // Node closes only the connections that are idle at the start of the shutdown. It would read the rest of a body to keep a connection.
        if (closing || !message.complete) response.shouldKeepAlive = false;
        write(response, result, message.method === "HEAD");
      })
      .catch((error: unknown) => {
        log.error({ err: error, method: message.method }, "an answer could not be written");
        response.destroy();
      });
  });
  server.on("dropRequest", (_message, socket) => onRejected("requests", (socket as Socket).remoteAddress));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const fault = CLIENT_FAULTS.find(({ form }) => form.test(error.code ?? ""));
    // The others broke the connection off.
    if (fault) onRejected(fault.reason, (socket as Socket).remoteAddress);
    if (fault && socket.writable) socket.write(`HTTP/1.1 ${fault.status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.destroy();
  });

  return {
    port: await listen(server, options),
    [Symbol.asyncDispose]: () => {
      closing = true;
      return close(server, drainMs);
    },
  };
}

/** What Node reports of a connection whose request could not be read, and what it is answered. */
const CLIENT_FAULTS: readonly { form: RegExp; reason: HttpRejection; status: string }[] = [
  { form: /^ERR_HTTP_REQUEST_TIMEOUT$/, reason: "timeout", status: "408 Request Timeout" },
  { form: /^HPE_HEADER_OVERFLOW$/, reason: "head", status: "431 Request Header Fields Too Large" },
  { form: /^HPE_/, reason: "head", status: "400 Bad Request" },
];

function createAnswer(options: HttpServerOptions, connections: BoundConnections) {
  const { handleMsMax = HANDLE_MS_MAX, bodySlots = createBodySlots() } = options;
  const routes = [...ownRoutes(options), ...(options.routes ?? [])];
  return async (message: IncomingMessage, gone: AbortSignal, onRoute: (route: Route) => void): Promise<HttpResponse> => {
    const { path, query } = parseTarget(message.url);
    const here = routes.filter((route) => isAt(route, path));
    if (here.length === 0) return { ...text(404, "not found"), rejected: "path" };
    const method = message.method === "HEAD" ? "GET" : (message.method ?? "");
    const route = here.find((r) => r.method === method);
    if (!route) {
      const headers = { allow: [...new Set(here.map((r) => r.method))].join(", ") };
      return { ...text(405, "method not allowed"), headers, rejected: "method" };
    }
    onRoute(route);
    const head: RequestHead = { method, path, query, headers: message.headers };
    const screened = route.screen?.(head);
    if (screened) return screened;
    const { bodyBytesMax = 0 } = route;
    const read: ReadBody = bodyBytesMax === 0 ? NO_BODY : await readBody(message, bodyBytesMax, bodySlots);
    if (read.kind === "too-large") return { ...text(413, "too large"), rejected: "body-size" };
    if (read.kind === "no-slot")
      return { ...text(503, "too many bodies at once"), headers: { "retry-after": String(RETRY_AFTER_S) }, rejected: "body-slots" };
    connections.busy(message.socket);
    const late = AbortSignal.timeout(handleMsMax);
    const signal = AbortSignal.any([gone, late]);
    const handling = route.handle({ ...head, body: read.body, signal }).finally(read.release);
    return withDeadline(handling, { signal: late }, () => text(503, "timed out"));
  };
}

const NO_BODY: ReadBody = { kind: "whole", body: Buffer.alloc(0), release: () => undefined };

function ownRoutes({ ready, conditions, registry }: HttpServerOptions): Route[] {
  const health = [
    get("/healthz", async () => text(200, "alive")),
    get("/readyz", async ({ query }) => {
      const shown = conditions && query.has("verbose") ? `${conditionsText(conditions())}\n` : "";
      return ready() ? text(200, `${shown}ready`) : text(503, `${shown}not ready`);
    }),
  ];
  if (registry === undefined) return health;
  // Printed once for all who ask at the same time: it takes milliseconds.
  let printing: Promise<string> | undefined;
  const print = () => {
    printing ??= registry.metrics().finally(() => {
      printing = undefined;
    });
    return printing;
  };
  return [...health, get("/metrics", async () => ({ ...text(200, await print()), headers: { "content-type": registry.contentType } }))];
}

const get = (path: string, handle: (request: HttpRequest) => Promise<HttpResponse>): Route => ({ method: "GET", path, handle });

const text = (status: number, body: string): HttpResponse => ({
  status,
  body: `${body}\n`,
  headers: { "content-type": "text/plain; charset=utf-8" },
});

const isAt = (route: Route, path: string) =>
  (route.path.endsWith("/*") ? path.startsWith(route.path.slice(0, -1)) && path.length >= route.path.length : path === route.path) &&
  (route.isServed?.(path) ?? true);

function write(response: ServerResponse, { status, headers = {}, body = "" }: HttpResponse, headOnly: boolean): void {
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(headOnly ? undefined : body);
}
