import { createHash } from "node:crypto";
import { constants, Http2ServerResponse } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { WireIn, WireOut } from "./listener.ts";
import type { WireAnswer, WireRequest } from "./simulator.ts";

/** Reads a request. Keeps one byte more than `bodyBytesMax` of a longer body, so that it can be recognised. Rejects when the client disconnects. */
export async function readRequest(request: WireIn, response: WireOut, bodyBytesMax: number): Promise<WireRequest> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (bytes <= bodyBytesMax) chunks.push(chunk.subarray(0, bodyBytesMax + 1 - bytes));
    bytes += chunk.length;
  }
  const [path = "/", query = ""] = (request.url ?? "/").split(/\?(.*)/s);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (!name.startsWith(":") && value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  return {
    method: request.method ?? "",
    path,
    query: new URLSearchParams(query),
    headers,
    headerNames: request.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()),
    body: Buffer.concat(chunks),
    connection: {
      allowStreams(count) {
        if (!(response instanceof Http2ServerResponse)) return;
        const session = response.stream?.session;
        if (session && !session.destroyed && session.localSettings.maxConcurrentStreams !== count)
          session.settings({ maxConcurrentStreams: count });
      },
      clientCertificate() {
        if (!(response instanceof Http2ServerResponse)) return undefined;
        // The session's socket is a proxy that shows a TLS socket's methods.
        const socket = response.stream?.session?.socket as Partial<TLSSocket> | undefined;
        return socket?.getPeerCertificate?.().fingerprint256;
      },
    },
  };
}

export function send(response: WireOut, answer: WireAnswer): void {
  const body = answer.body ?? "";
  const headers = { ...answer.headers, "content-length": String(Buffer.byteLength(body)) };
  if (response instanceof Http2ServerResponse) {
    if (response.stream === undefined || response.stream.destroyed) return;
    response.writeHead(answer.status, headers);
    response.end(body);
    return;
  }
  response.writeHead(answer.status, headers);
  response.end(body);
}

/** Ends the request without an answer: RST_STREAM with `code` on HTTP/2, otherwise the connection is closed. */
export function cut(response: WireOut, code: number = constants.NGHTTP2_INTERNAL_ERROR): void {
  if (response instanceof Http2ServerResponse) response.stream?.close(code);
  else response.socket?.destroy();
}

/** Closes the connection with every request in flight on it; on HTTP/2 after a GOAWAY. */
export function goAway(response: WireOut): void {
  if (response instanceof Http2ServerResponse) response.stream?.session?.destroy(undefined, constants.NGHTTP2_NO_ERROR);
  else response.socket?.destroy();
}

const SECRET_HEADERS = ["authorization", "crypto-key"];

/** Headers for the ledger: a credential becomes its scheme and a fingerprint, which still distinguishes two credentials. */
export function withoutSecrets(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept = { ...headers };
  for (const name of SECRET_HEADERS) {
    const value = kept[name];
    if (value === undefined) continue;
    kept[name] = `${value.split(" ", 1)[0]} sha256:${createHash("sha256").update(value).digest("hex").slice(0, 16)}`;
  }
  return kept;
}
