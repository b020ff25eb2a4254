import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { createHttp2Calls, type Http2Calls, type Http2CallsOptions } from "../../providers/transport/http2-calls.ts";
import { classifyTransport } from "../../providers/transport/transport-fault.ts";
import { openCertificate } from "../../sandbox/kit/certificate.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-http2-calls-"));
let files: { key: Buffer; cert: Buffer };
let ca: string;
let caFile: string;
before(async () => {
  ({ caFile } = await openCertificate(directory, Date.now()));
  files = { key: readFileSync(join(directory, "server-key.pem")), cert: readFileSync(join(directory, "server.pem")) };
  ca = readFileSync(caFile, "utf8");
});
after(() => rmSync(directory, { recursive: true }));

/** No test waits so long. */
const NEVER_MS = 3_600_000;
const pathOf = (name: string) => `/${name}`;

export interface Arrived {
  name: string;
  stream: ServerHttp2Stream;
  session: ServerHttp2Session;
}

/** A server of HTTP/2 whose answers the test gives. */
export async function startServer(maxConcurrentStreams: number) {
  const arrived: Arrived[] = [];
  const sessions: ServerHttp2Session[] = [];
  const server: Http2SecureServer = createSecureServer({ ...files, settings: { maxConcurrentStreams } });
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => undefined);
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    stream.resume();
    arrived.push({ name: headers[":path"]!.slice(1), stream, session: stream.session as ServerHttp2Session });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    arrived,
    sessions,
    caFile,
    names: () => arrived.map(({ name }) => name),
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

export const open = (origin: string, over: Partial<Http2CallsOptions> = {}): Http2Calls =>
  createHttp2Calls({ origin, ca, addressFilter: undefined, deadlineMs: NEVER_MS, streamsMax: 1_000, ...over });

/** Resolves to the status and body, or to the outcome that follows from the transport's error. */
export async function send(calls: Http2Calls, name: string, signal: AbortSignal = new AbortController().signal, mayBegin = () => true) {
  const call = { signal, mayBegin, written: false };
  const headers = { ":method": "POST", ":path": pathOf(name) };
  return await calls.send({ headers, body: name }, call).then(
    ({ status, body }) => `${status} ${body}`.trim(),
    (error: unknown) => {
      const outcome = classifyTransport(error, call);
      return `${outcome.kind} ${"fault" in outcome ? outcome.fault.code : ""}`;
    },
  );
}
export const sendAll = (calls: Http2Calls, count: number, prefix = "") =>
  Array.from({ length: count }, (_, i) => send(calls, `${prefix}${i}`));
export const answer = ({ stream }: Arrived, status = 200, body = "") => {
  stream.respond({ ":status": status });
  stream.end(body);
};
