import { constants } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import { createSecureContext, type TLSSocket } from "node:tls";
import { boundConnections } from "../../runtime/http/connections.ts";
import { close, listen } from "../../runtime/http/listen.ts";
import { parseTarget } from "../../runtime/http/parse-target.ts";
import type { HttpRejection } from "../../runtime/http/rejections.ts";
import type { Request } from "./answer.ts";
import type { Certificate } from "./certificate.ts";
import type { Peer } from "./front-proxy.ts";
import { type Answer, failure } from "./status.ts";

/** Only API servers call, each over a few connections and one more per availability check. */
const CONNECTIONS_MAX = 256;
const HANDSHAKE_MS = 5_000;
/** A request is a line and its headers. */
const REQUEST_MS = 5_000;
/** How often Node looks for requests that took too long. */
const CHECK_MS = 1_000;
/** API servers send about 1 kB: the caller's name, groups and extra fields. */
const HEAD_BYTES_MAX = 16_384;
/** Longer than the 90 s after which an API server drops an idle connection, so that this side never closes first. */
const KEEP_ALIVE_MS = 120_000;
/** A request at shutdown waits for one review at most. */
const DRAIN_MS = 4_000;

export interface HttpsOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  certificate: Certificate;
  /** Authority of verified client certificates, PEM; undefined: none is verified. */
  ca: string | undefined;
  answer(request: Request): Promise<Answer>;
  /** Called with an unexpected error, which is answered 500 without its text. */
  onError(error: unknown): void;
  onRejected(reason: HttpRejection, peer: string | undefined): void;
}

export interface Https extends AsyncDisposable {
  readonly port: number;
  /** Takes effect for new connections. With another `ca` existing connections end after their current request. Throws where OpenSSL rejects a PEM. */
  renew(certificate: Certificate, ca: string | undefined): void;
}

/** Which authority verified a connection's client certificate. */
interface Verified {
  ca: string | undefined;
  /** The handshake may have begun under the authority before: serves one request only. */
  once: boolean;
}

/** JSON over HTTPS. Requests client certificates and passes them to `answer`. Rejects when it cannot listen. */
export async function startHttps(options: HttpsOptions): Promise<Https> {
  const { answer, onError, onRejected } = options;
  let { certificate, ca } = options;
  let context = createSecureContext(contextOf(certificate, ca));
  let closing = false;
  let renewedAt = Number.NEGATIVE_INFINITY;
  const verified = new WeakMap<TLSSocket, Verified>();

  const server = createServer({
    ...contextOf(certificate, ca),
    // Only a context takes allowPartialTrustChain, a server does not. A client that sends no SNI gets the stricter context without it.
    SNICallback: (_name, done) => done(null, context),
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_MS,
    requestTimeout: REQUEST_MS,
    headersTimeout: REQUEST_MS,
    connectionsCheckingInterval: CHECK_MS,
    maxHeaderSize: HEAD_BYTES_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  const connections = boundConnections(server, CONNECTIONS_MAX, (peer) => onRejected("connections", peer));
  server.on("secureConnection", (socket) => verified.set(socket, { ca, once: performance.now() - renewedAt < HANDSHAKE_MS }));

  server.on("request", (message, response) => {
    const socket = message.socket as TLSSocket;
    connections.busy(socket);
    const { ca: by, once = true } = verified.get(socket) ?? {};
    const isStale = () => by !== ca;
    const respond = ({ code, body }: Answer) => {
      if (response.destroyed) return;
      // A rejected client may have a new certificate, and one verified by the authority before must be verified again.
      if (closing || code === 401 || once || isStale()) response.shouldKeepAlive = false;
      const text = JSON.stringify(body);
      response.writeHead(code, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
      response.end(text);
    };
    const peer: Peer = isStale() ? { kind: "unverified", why: "the certificate authority has changed" } : peerOf(socket);
    Promise.resolve(readRequest(message, peer))
      .then(answer)
      .catch((error: unknown) => {
        onError(error);
        return failure("InternalError", "internal error of the autoscaler, see its log");
      })
      .then(respond)
      .catch(() => response.destroy());
  });

  return {
    port: await listen(server, options),
    renew(newCertificate, newCa) {
      const sameCa = newCa === ca;
      if (sameCa && newCertificate.cert === certificate.cert && newCertificate.key === certificate.key) return;
      const next = contextOf(newCertificate, newCa);
      context = createSecureContext(next);
      server.setSecureContext(next);
      certificate = newCertificate;
      if (sameCa) return;
      ca = newCa;
      renewedAt = performance.now();
      server.closeIdleConnections();
    },
    async [Symbol.asyncDispose]() {
      closing = true;
      await close(server, DRAIN_MS);
    },
  };
}

const contextOf = ({ cert, key }: Certificate, ca: string | undefined) => ({
  cert,
  key,
  // An empty list: undefined would trust every public authority.
  ca: ca === undefined ? [] : [ca],
  // The bundle may hold an intermediate authority, which is then trusted, as the API server itself does.
  allowPartialTrustChain: true,
  // No TLS session resumption: each connection is verified by the current authority.
  secureOptions: constants.SSL_OP_NO_TICKET,
});

function peerOf(socket: TLSSocket): Peer {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { kind: "none" };
  if (!socket.authorized) return { kind: "unverified", why: String(socket.authorizationError) };
  const name: unknown = certificate.toLegacyObject().subject?.CN;
  return { kind: "verified", commonName: typeof name === "string" ? name : undefined };
}

const readRequest = (message: IncomingMessage, peer: Peer): Request => ({
  method: message.method ?? "",
  ...parseTarget(message.url),
  headers: message.headersDistinct,
  peer,
});
