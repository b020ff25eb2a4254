import type { IncomingHttpHeaders } from "node:http";
import type { Registry } from "prom-client";
import { type Condition, conditionsText } from "../conditions.ts";
import { withDeadline } from "../deadline.ts";
import type { Logger } from "../logger.ts";
import { type BodySlots, createBodySlots } from "./body-slots.ts";
import { type Arrived, type HttpResponse, startHttpListener } from "./listener.ts";
import { parseTarget } from "./parse-target.ts";
import { type ReadBody, readBody } from "./read-body.ts";
import type { HttpRejection } from "./rejections.ts";

export type { HttpResponse } from "./listener.ts";

/** How long a route may take to answer. */
const HANDLE_MS_MAX = 10_000;
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
  /** The answer where no route has the path; absent: plain text. */
  notFound?: ((head: RequestHead) => HttpResponse) | undefined;
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
  const { log } = options;
  const answer = createAnswer(options);
  return startHttpListener({
    ...options,
    async answer(request) {
      const { message } = request;
      let route: Route | undefined;
      try {
        return await answer(request, (found) => {
          route = found;
        });
      } catch (error) {
        if (!message.complete) return text(400, "cut off");
        // The route's path as it is registered, because the path and the query of a request may contain a recipient's token.
        log.error({ err: error, method: message.method, route: route?.path }, "a request failed");
        return text(500, "an error of ours");
      }
    },
    onFault: (error, { method }) => log.error({ err: error, method }, "an answer could not be written"),
  });
}

function createAnswer(options: HttpServerOptions) {
  const { handleMsMax = HANDLE_MS_MAX, bodySlots = createBodySlots() } = options;
  const routes = [...ownRoutes(options), ...(options.routes ?? [])];
  return async ({ message, gone, busy, wantBody }: Arrived, onRoute: (route: Route) => void): Promise<HttpResponse> => {
    const { path, query } = parseTarget(message.url);
    const here = routes.filter((route) => isAt(route, path));
    const method = message.method === "HEAD" ? "GET" : (message.method ?? "");
    const head: RequestHead = { method, path, query, headers: message.headers };
    if (here.length === 0) return { ...(options.notFound?.(head) ?? text(404, "not found")), rejected: "path" };
    const route = here.find((r) => r.method === method);
    if (!route) {
      const headers = { allow: [...new Set(here.map((r) => r.method))].join(", ") };
      return { ...text(405, "method not allowed"), headers, rejected: "method" };
    }
    onRoute(route);
    const screened = route.screen?.(head);
    if (screened) return screened;
    const { bodyBytesMax = 0 } = route;
    if (bodyBytesMax > 0) wantBody();
    const read: ReadBody = bodyBytesMax === 0 ? NO_BODY : await readBody(message, bodyBytesMax, bodySlots);
    if (read.kind === "too-large") return { ...text(413, "too large"), rejected: "body-size" };
    if (read.kind === "no-slot")
      return { ...text(503, "too many bodies at once"), headers: { "retry-after": String(RETRY_AFTER_S) }, rejected: "body-slots" };
    busy();
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
