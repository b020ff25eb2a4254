import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { Certificates } from "../tls/grpc-tls.ts";
import { type BoundConnections, boundConnections } from "./connections.ts";
import { close, listen } from "./listen.ts";
import type { HttpRejection } from "./rejections.ts";

/** A request must have arrived whole by then; senders of webhooks give up after 3 to 15 s themselves. */
const REQUEST_MS_MAX = 10_000;
const HEADERS_MS_MAX = 5_000;
/** From accepting a connection to the end of its TLS handshake. */
const HANDSHAKE_MS = 5_000;
/** How often Node looks for requests that took too long; its own default of 30 s would triple the limits above. */
const CHECK_MS = 1_000;
/** How long nothing may pass on a connection during a request: longer than a route may take. Ends callers that read no answer. */
const SILENT_MS_MAX = 15_000;
/** Longer than the 60 s of usual load balancers, so that the load balancer closes first. */
const KEEP_ALIVE_MS = 65_000;
/** How long requests under way may take to finish at shutdown. */
const DRAIN_MS = 10_000;
/** Connections at once. Node buffers up to 64 kB of each, 32 MB in all. Load balancers, probes and Prometheus need a few dozen. */
const CONNECTIONS_MAX = 512;
/** Requests after which a connection is closed: one that sends all its requests at once cannot make more work than this. */
const REQUESTS_PER_CONNECTION_MAX = 1_000;
/** Bytes of a request's head. Signatures and tokens take below 2 kB. */
const HEAD_BYTES_MAX = 8_192;
const HEADERS_MAX = 64;

export interface HttpResponse {
  status: number;
  headers?: Readonly<Record<string, string>>;
  /** Lines of Set-Cookie. */
  cookies?: readonly string[];
  body?: string | Uint8Array;
  /** Counted and logged as a rejection. */
  rejected?: HttpRejection;
}

/** A request whose head has arrived. */
export interface Arrived {
  message: IncomingMessage;
  /** Aborts when the connection closes. */
  gone: AbortSignal;
  /** Its body has arrived as a whole: its connection is not closed before the answer. */
  busy(): void;
  /** Tells a client that waits to be told so (Expect: 100-continue) to send the body. */
  wantBody(): void;
}

export interface ListenerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** With a CA in it, callers must present a certificate that it signed. Undefined: plain text. */
  tls?: Certificates | undefined;
  /** Never rejects. */
  answer(request: Arrived): Promise<HttpResponse>;
  /** An answer could not be written: a bug. */
  onFault(error: unknown, message: IncomingMessage): void;
  /** Called with every rejection. */
  onRejected?: ((reason: HttpRejection, peer: string | undefined) => void) | undefined;
  drainMs?: number | undefined;
  connectionsMax?: number | undefined;
  requestMsMax?: number | undefined;
  headBytesMax?: number | undefined;
}

export interface HttpListener extends AsyncDisposable {
  readonly port: number;
  /** From now on each answer closes its connection, so that clients go elsewhere. */
  closeConnections(): void;
}

/** A server of HTTP/1.1 within the limits above. Disposal lets requests under way finish for `drainMs`. Rejects if it cannot listen. */
export async function startHttpListener(options: ListenerOptions): Promise<HttpListener> {
  const { answer, onFault, onRejected = () => undefined, requestMsMax = REQUEST_MS_MAX, drainMs = DRAIN_MS } = options;
  await using stack = new AsyncDisposableStack();
  let closing = false;
  const limits: ServerOptions = {
    requestTimeout: requestMsMax,
    headersTimeout: Math.min(HEADERS_MS_MAX, requestMsMax),
    connectionsCheckingInterval: Math.min(CHECK_MS, requestMsMax),
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: options.headBytesMax ?? HEAD_BYTES_MAX,
  };
  const server = createOf(options.tls, limits, stack);
  server.maxHeadersCount = HEADERS_MAX;
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX;
  server.timeout = SILENT_MS_MAX;
  const connections: BoundConnections = boundConnections(server, options.connectionsMax ?? CONNECTIONS_MAX, (peer) =>
    onRejected("connections", peer),
  );
  const awaitContinue = new WeakSet<IncomingMessage>();
  /** Requests so far on each connection. */
  const requestsOf = new WeakMap<Socket, number>();
  server.on("checkContinue", (message: IncomingMessage, response: ServerResponse) => {
    awaitContinue.add(message);
    server.emit("request", message, response);
  });
  server.on("request", (message: IncomingMessage, response: ServerResponse) => {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const requests = (requestsOf.get(message.socket) ?? 0) + 1;
    requestsOf.set(message.socket, requests);
    const request: Arrived = {
      message,
      gone: gone.signal,
      busy: () => connections.busy(message.socket),
      wantBody: () => {
        if (awaitContinue.delete(message)) response.writeContinue();
      },
    };
    answer(request)
      .then((result) => {
        if (result.rejected) onRejected(result.rejected, message.socket.remoteAddress);
        // Node closes only the connections that are idle at the start of the shutdown. It would read the rest of a body to keep a connection.
        // With its last answer within `maxRequestsPerSocket` it only announces that the connection closes, and leaves the closing to the client.
        if (closing || !message.complete || requests >= REQUESTS_PER_CONNECTION_MAX) response.shouldKeepAlive = false;
        write(response, result, message.method === "HEAD");
      })
      .catch((error: unknown) => {
        onFault(error, message);
        response.destroy();
      });
  });
  server.on("dropRequest", (_message: IncomingMessage, socket: Socket) => onRejected("requests", socket.remoteAddress));
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const fault = CLIENT_FAULTS.find(({ form }) => form.test(error.code ?? ""));
    // The others broke the connection off.
    if (fault) onRejected(fault.reason, socket.remoteAddress);
    if (fault && socket.writable) socket.write(`HTTP/1.1 ${fault.status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.destroy();
  });
  const port = await listen(server, options);
  const running = stack.move();
  running.defer(() => {
    closing = true;
    return close(server, drainMs);
  });
  return {
    port,
    closeConnections() {
      closing = true;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** The server's certificate follows its files; connections that are open keep theirs. */
function createOf(tls: Certificates | undefined, limits: ServerOptions, stack: AsyncDisposableStack): Server | HttpsServer {
  if (!tls) return createServer(limits);
  const watching = stack.use(tls.watch((texts) => server.setSecureContext(texts)));
  const asksClients = watching.first.ca !== undefined;
  const server: HttpsServer = createHttpsServer({
    ...limits,
    ...watching.first,
    requestCert: asksClients,
    rejectUnauthorized: asksClients,
    handshakeTimeout: HANDSHAKE_MS,
  });
  return server;
}

/** What Node reports of a connection whose request could not be read, and what it is answered. */
const CLIENT_FAULTS: readonly { form: RegExp; reason: HttpRejection; status: string }[] = [
  { form: /^ERR_HTTP_REQUEST_TIMEOUT$/, reason: "timeout", status: "408 Request Timeout" },
  { form: /^HPE_HEADER_OVERFLOW$/, reason: "head", status: "431 Request Header Fields Too Large" },
  { form: /^HPE_/, reason: "head", status: "400 Bad Request" },
];

function write(response: ServerResponse, { status, headers = {}, cookies = [], body = "" }: HttpResponse, headOnly: boolean): void {
  if (response.destroyed) return;
  if (cookies.length > 0) response.setHeader("set-cookie", cookies);
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(headOnly ? undefined : body);
}
