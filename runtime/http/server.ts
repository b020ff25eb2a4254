import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import { withDeadline } from "../deadline.ts";
import type { Logger } from "../logger.ts";
import { close, listen } from "./listen.ts";
import { parseTarget } from "./parse.ts";

/** The largest webhook we know is a batch of e-mail events, 768 kB at most. */
export const BODY_BYTES_MAX = 1_048_576;
/** A request must have arrived whole by then; senders of webhooks give up after 3 to 15 s themselves. */
const REQUEST_MS_MAX = 10_000;
const HEADERS_MS_MAX = 5_000;
/** How long a route may take to answer. */
const HANDLE_MS_MAX = 10_000;
/** Longer than the 60 s of usual load balancers, so that the load balancer closes first. */
const KEEP_ALIVE_MS = 65_000;
/** How long requests under way may take to finish at shutdown. */
const DRAIN_MS = 10_000;

export interface HttpRequest {
  method: string;
  /** Without the query, as it was sent. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** Unchanged bytes, for signatures. */
  body: Buffer;
  /** Aborts when the caller disconnects or the deadline passes. */
  signal: AbortSignal;
}

export interface HttpResponse {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body?: string;
}

export interface Route {
  method: "GET" | "POST";
  /** Exact, or ending in "/*": everything below. */
  path: string;
  handle(request: HttpRequest): Promise<HttpResponse>;
}

export interface HttpServerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** What /readyz answers. */
  ready(): boolean;
  log: Logger;
  /** What /metrics prints; undefined: no /metrics, for a port that is reachable from outside. */
  registry?: Registry | undefined;
  routes?: readonly Route[];
  bodyBytesMax?: number;
  handleMsMax?: number;
  drainMs?: number;
}

export interface HttpServer extends AsyncDisposable {
  readonly port: number;
}

/**
 * Serves GET /healthz, /readyz and /metrics, and the routes. A route that throws is logged and answered 500 without its text.
 * Disposal lets requests under way finish for `drainMs`. Rejects if it cannot listen.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { ready, registry, log, drainMs = DRAIN_MS, handleMsMax = HANDLE_MS_MAX, bodyBytesMax = BODY_BYTES_MAX } = options;
  const own: Route[] = [
    get("/healthz", async () => text(200, "alive")),
    get("/readyz", async () => (ready() ? text(200, "ready") : text(503, "not ready"))),
  ];
  if (registry)
    own.push(get("/metrics", async () => ({ ...text(200, await registry.metrics()), headers: { "content-type": registry.contentType } })));
  const routes = [...own, ...(options.routes ?? [])];

  const answer = async (message: IncomingMessage, gone: AbortSignal): Promise<HttpResponse> => {
    const { path, query } = parseTarget(message.url);
    const here = routes.filter((route) => isAt(route, path));
    if (here.length === 0) return text(404, "not found");
    const method = message.method === "HEAD" ? "GET" : (message.method ?? "");
    const route = here.find((r) => r.method === method);
    if (!route) return { ...text(405, "method not allowed"), headers: { allow: here.map((r) => r.method).join(", ") } };
    const body = await readBody(message, bodyBytesMax);
    if (body === undefined) return { ...text(413, "too large"), headers: { connection: "close" } };

    const late = AbortSignal.timeout(handleMsMax);
    const signal = AbortSignal.any([gone, late]);
    const handling = route.handle({ method, path, query, headers: message.headers, body, signal });
    return withDeadline(handling, { signal: late }, () => text(503, "timed out"));
  };

  let closing = false;
  const server = createServer({ requestTimeout: REQUEST_MS_MAX, headersTimeout: HEADERS_MS_MAX, keepAliveTimeout: KEEP_ALIVE_MS });
  server.on("request", (message, response) => {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    answer(message, gone.signal)
      .catch((error: unknown) => {
        if (!message.complete) return text(400, "cut off");
        // Without the query: it may contain a recipient's token.
        log.error({ err: error, method: message.method, path: message.url?.split("?")[0] }, "a request failed");
        return text(500, "an error of ours");
      })
      .then((result) => {
        // Node closes only the connections that are idle at the start of the shutdown.
        if (closing) response.shouldKeepAlive = false;
        write(response, result, message.method === "HEAD");
      })
      .catch((error: unknown) => {
        log.error({ err: error, method: message.method }, "an answer could not be written");
        response.destroy();
      });
  });

  return {
    port: await listen(server, options),
    [Symbol.asyncDispose]: () => {
      closing = true;
      return close(server, drainMs);
    },
  };
}

const get = (path: string, handle: () => Promise<HttpResponse>): Route => ({ method: "GET", path, handle });

const text = (status: number, body: string): HttpResponse => ({
  status,
  body: `${body}\n`,
  headers: { "content-type": "text/plain; charset=utf-8" },
});

const isAt = (route: Route, path: string) =>
  route.path.endsWith("/*") ? path.startsWith(route.path.slice(0, -1)) && path.length >= route.path.length : path === route.path;

/** Undefined when it is larger than `bytesMax`; the rest is then not read. */
async function readBody(message: IncomingMessage, bytesMax: number): Promise<Buffer | undefined> {
  if (Number(message.headers["content-length"] ?? 0) > bytesMax) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function write(response: ServerResponse, { status, headers = {}, body = "" }: HttpResponse, headOnly: boolean): void {
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(headOnly ? undefined : body);
}
