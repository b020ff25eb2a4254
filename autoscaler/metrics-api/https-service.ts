import { constants } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import { createSecureContext, type TLSSocket } from "node:tls";
import { close, listen } from "../../runtime/http/listen.ts";
import { parseTarget } from "../../runtime/http/parse.ts";
import type { Request } from "./answer.ts";
import type { Certificate } from "./certificate.ts";
import type { Peer } from "./front-proxy.ts";
import { type Answer, failure } from "./status.ts";

/** The only callers are API servers, each with a few connections and one more for every check whether we are there. */
const CONNECTIONS_MAX = 256;
const HANDSHAKE_MS = 5_000;
/** A request is a line and its headers. */
const REQUEST_MS = 5_000;
/** Longer than the 90 s after which an API server drops an idle connection itself, so that we are never the one who closes first. */
const KEEP_ALIVE_MS = 120_000;
/** What is under way at the end waits for a review at most. */
const DRAIN_MS = 4_000;

export interface HttpsOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  certificate: Certificate;
  /** Whose client certificates count as verified: PEM; undefined: nobody's. */
  ca: string | undefined;
  answer(request: Request): Promise<Answer>;
  /** For a fault of ours, which is answered 500 without its text. */
  onFault(error: unknown): void;
}

export interface Https extends AsyncDisposable {
  readonly port: number;
  /** For connections to come. With another `ca` those there are end after what is under way on them. Throws what OpenSSL does not take. */
  renew(certificate: Certificate, ca: string | undefined): void;
}

/** By which authority a connection's client certificate was judged. */
interface Judged {
  ca: string | undefined;
  /** The handshake may have begun under a former authority: good for one request. */
  once: boolean;
}

/** JSON over HTTPS; client certificates are asked for, and judged by `answer`. Rejects when it cannot listen. */
export async function startHttps(options: HttpsOptions): Promise<Https> {
  const { answer, onFault } = options;
  let { certificate, ca } = options;
  let context = createSecureContext(contextOf(certificate, ca));
  let closing = false;
  let renewedAt = Number.NEGATIVE_INFINITY;
  const judged = new WeakMap<TLSSocket, Judged>();

  const server = createServer({
    ...contextOf(certificate, ca),
    // A server takes no allowPartialTrustChain itself. Who names no server meets the context without it, and is believed less.
    SNICallback: (_name, done) => done(null, context),
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_MS,
    requestTimeout: REQUEST_MS,
    headersTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.on("secureConnection", (socket) => judged.set(socket, { ca, once: performance.now() - renewedAt < HANDSHAKE_MS }));

  server.on("request", (message, response) => {
    const socket = message.socket as TLSSocket;
    const { ca: by, once = true } = judged.get(socket) ?? {};
    const isStale = () => by !== ca;
    const respond = ({ code, body }: Answer) => {
      if (response.destroyed) return;
      // Whoever is rejected may have a new certificate, and whoever was judged by a former authority must be judged again.
      if (closing || code === 401 || once || isStale()) response.shouldKeepAlive = false;
      const text = JSON.stringify(body);
      response.writeHead(code, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
      response.end(text);
    };
    const peer: Peer = isStale() ? { kind: "unverified", why: "the authority has changed" } : peerOf(socket);
    Promise.resolve(readRequest(message, peer))
      .then(answer)
      .catch((error: unknown) => {
        onFault(error);
        return failure("InternalError", "a fault of the autoscaler; its log says more");
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
  // An empty list, not undefined: that would be every public authority.
  ca: ca === undefined ? [] : [ca],
  // The authority may be an intermediate one; whoever is in the bundle is trusted, as by the API server itself.
  allowPartialTrustChain: true,
  // No session is taken up again: each connection is judged by the authority of its day.
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
