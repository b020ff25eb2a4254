import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import type { ServerCertificate } from "./certificate.ts";

export type WireIn = IncomingMessage | Http2ServerRequest;
export type WireOut = ServerResponse | Http2ServerResponse;
export type Handler = (request: WireIn, response: WireOut) => void;

/** What a listener speaks: plain HTTP/1.1, the same over TLS, HTTP/2 alone, or HTTP/2 with HTTP/1.1 as fallback. */
export type Transport =
  | { kind: "http" }
  | { kind: "https"; certificate: ServerCertificate }
  | { kind: "h2"; certificate: ServerCertificate; streamsMax: number; asksClients?: boolean }
  | { kind: "h2-or-http1"; certificate: ServerCertificate; streamsMax: number };

export interface Listener extends AsyncDisposable {
  port: number;
  origin: string;
}

/** How long idle HTTP/1.1 connections stay, in ms: like the real services, longer than the pause between two sends. Node's default of 5 s would close a connection just as a send begins. */
const KEEP_ALIVE_MS = 65_000;
/** Streams over the limit before Node ends the whole session: each excess stream must be rejected alone, however many a client opens. */
const REJECTED_STREAMS_MAX = 100_000;

/** Where to listen. Port 0: any. */
export interface WantedPort {
  port: number;
  /** Whether any other port will do where this one is in use. */
  orAny: boolean;
  /** Address to listen on. */
  host: string;
  /** Host name in the origin. */
  name: string;
}

/** Disposal destroys every connection. Rejects where the port is in use and `orAny` is false. */
export async function listen(transport: Transport, { port, orAny, host, name }: WantedPort, handler: Handler): Promise<Listener> {
  const server = createServer(transport, handler);
  Object.assign(server, { keepAliveTimeout: KEEP_ALIVE_MS });
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined); // a client that disconnects is not an error here
    socket.once("close", () => sockets.delete(socket));
  });
  // Failed handshakes and broken sessions are expected: tests cause them.
  server.on("tlsClientError", () => undefined);
  server.on("sessionError", () => undefined);
  await bind(server, port, host).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE" || !orAny) throw error;
    return bind(server, 0, host);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    origin: `${transport.kind === "http" ? "http" : "https"}://${name}:${bound}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function createServer(transport: Transport, handler: Handler): Server {
  switch (transport.kind) {
    case "http":
      return createHttpServer(handler);
    case "https":
      return createHttpsServer(transport.certificate, handler);
    case "h2":
    case "h2-or-http1":
      return createSecureServer(
        {
          ...transport.certificate,
          // Any certificate passes the handshake, which proves that the client has its key; the simulator knows which are whose.
          ...("asksClients" in transport && transport.asksClients ? { requestCert: true, rejectUnauthorized: false } : {}),
          allowHTTP1: transport.kind === "h2-or-http1",
          maxSessionRejectedStreams: REJECTED_STREAMS_MAX,
          settings: { maxConcurrentStreams: transport.streamsMax },
        },
        handler,
      );
  }
}

function bind(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
