// Real certificates and connections: which are accepted, and what changes with the files.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect } from "node:tls";
import { type ServiceError, status } from "@grpc/grpc-js";
import {
  GetNotificationResponse,
  NotificationServiceClient,
  NotificationServiceService,
} from "../../gen/carillon/v1/notification_service.ts";
import { type Authority, createAuthority, mountSecret, type Pair } from "../../test/support/certificates.ts";
import { eventually } from "../../test/support/eventually.ts";
import { callUnary, createClient } from "../grpc/client.ts";
import { serveHandlers } from "../grpc/serve-handlers.ts";
import { type GrpcServerOptions, startGrpcServer } from "../grpc/server.ts";
import { createLogger } from "../logger.ts";
import { type Certificates, internalTls, openCertificates, watchCertificates } from "./grpc-tls.ts";

const POLL_MS = 10;
const DAY_MS = 86_400_000;
const scratch = mkdtempSync(join(tmpdir(), "carillon-tls-"));
const stack = new AsyncDisposableStack();
after(async () => {
  await stack.disposeAsync();
  rmSync(scratch, { recursive: true });
});
const [ours, next, foreign] = await Promise.all(["ours", "next", "foreign"].map((name) => createAuthority(name)));
assert.ok(ours && next && foreign);

const files = ({ cert, key }: Pair, ...authorities: Authority[]) => ({
  "tls.crt": cert,
  "tls.key": key,
  "ca.crt": authorities.map((a) => a.cert).join("\n"),
});
const secretOf = async (pair: Pair, ...authorities: Authority[]) =>
  mountSecret(mkdtempSync(join(scratch, "secret-")), files(pair, ...authorities));
type Secret = Awaited<ReturnType<typeof secretOf>>;
const named = (secret: Secret) => ({
  INTERNAL_TLS_CERT_FILE: secret.path("tls.crt"),
  INTERNAL_TLS_KEY_FILE: secret.path("tls.key"),
  INTERNAL_TLS_CA_FILE: secret.path("ca.crt"),
});
function watched(secret: Secret, lines: string[] = []): Certificates {
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const [cert, key, ca] = Object.entries(named(secret)).map(([name, path]) => ({ name, path }));
  return watchCertificates({ cert: cert!, key: key!, ca: ca! }, { log, pollMs: POLL_MS });
}

const quiet = createLogger("test", "silent");
async function serve(tls: Certificates, port = 0, limits: GrpcServerOptions["limits"] = {}) {
  const unused = async (): Promise<never> => assert.fail("not called in this file");
  const handlers = {
    getNotification: async () => ({ ...GetNotificationResponse.decode(new Uint8Array()), notificationId: "over TLS" }),
    ...{ sendNotification: unused, batchSendNotifications: unused, previewNotification: unused },
    ...{ listNotifications: unused, cancelNotifications: unused },
  };
  const services = [serveHandlers(NotificationServiceService, handlers, { log: quiet, authenticate: () => undefined })];
  return stack.use(
    await startGrpcServer({ address: `127.0.0.1:${port}`, services, reflection: false, log: quiet, tls, limits, drainMs: 100 }),
  );
}

const request = { notificationId: "a".repeat(32) };
/** "over TLS", or the status's name. A client of its own, so that the connection is new. */
async function call(port: number, tls?: Certificates): Promise<string> {
  using client = createClient(NotificationServiceClient, `localhost:${port}`, { tls });
  return await callOn(client);
}
const callOn = (client: NotificationServiceClient) =>
  callUnary(client, NotificationServiceService.getNotification, request, { deadlineMs: 3_000 }).then(
    (answer) => answer.notificationId,
    (error: ServiceError) => status[error.code] ?? "?",
  );
/** The serial number of the certificate that the server presents on a new connection. */
const shown = (port: number) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, servername: "localhost", rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on("error", reject);
  });
const serial = ({ cert }: Pair) => new X509Certificate(cert).serialNumber;

test("server and client accept only certificates of our CA", async () => {
  const { port } = await serve(watched(await secretOf(await ours.issue(), ours)));
  assert.equal(await call(port, watched(await secretOf(await ours.issue(), ours))), "over TLS");
  // Presents another CA's certificate, but trusts the server.
  assert.equal(await call(port, watched(await secretOf(await foreign.issue(), ours))), "UNAVAILABLE");
  // Would be accepted, but does not trust the server.
  assert.equal(await call(port, watched(await secretOf(await ours.issue(), foreign))), "UNAVAILABLE");
  assert.equal(await call(port), "UNAVAILABLE");
});

test("callers need a certificate only if a CA is configured", async () => {
  const secret = await secretOf(await ours.issue(), ours);
  const config = { CERT: secret.path("tls.crt"), KEY: secret.path("tls.key"), CA: "" };
  const names = { cert: "CERT", key: "KEY", ca: "CA", caIsOptional: true } as const;
  const open = await serve(openCertificates(config, names, quiet)!);
  assert.equal(await alpnWithoutCertificate(open.port), "h2");
  const closed = await serve(openCertificates({ ...config, CA: secret.path("ca.crt") }, names, quiet)!);
  assert.equal(await alpnWithoutCertificate(closed.port), "rejected");
});
/** The negotiated protocol, once the server has sent data: TLS 1.3 rejects a client only after the client's handshake has finished. */
const alpnWithoutCertificate = (port: number) =>
  new Promise<string | false | null>((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca: ours.cert, ALPNProtocols: ["h2"] });
    socket.once("data", () => {
      resolve(socket.alpnProtocol);
      socket.destroy();
    });
    socket.on("error", () => resolve("rejected"));
  });

test("a renewed certificate is used for new connections, while existing ones stay open", async () => {
  const [before, renewed] = await Promise.all([ours.issue(), ours.issue()]);
  const secret = await secretOf(before, ours);
  const lines: string[] = [];
  const { port } = await serve(watched(secret, lines));
  using client = createClient(NotificationServiceClient, `localhost:${port}`, { tls: watched(secret) });
  assert.equal(await callOn(client), "over TLS");
  assert.equal(await shown(port), serial(before));
  secret.replace(files(renewed, ours));
  await eventually("the new certificate is presented", async () => (await shown(port)) === serial(renewed));
  assert.equal(await callOn(client), "over TLS");
  assert.equal(await call(port, watched(secret)), "over TLS");
  assert.equal(lines.length, 1, "logged once");
  assert.match(lines[0]!, /"msg":"certificates reloaded"/);
});

test("a CA is replaced under running servers and clients, and the old CA's certificates are rejected from then on", async () => {
  const [serverSecret, clientSecret] = [await secretOf(await ours.issue(), ours), await secretOf(await ours.issue(), ours)];
  const stale = watched(await secretOf(await ours.issue(), ours, next));
  const { port } = await serve(watched(serverSecret));
  const clientTls = watched(clientSecret);
  assert.equal(await call(port, clientTls), "over TLS");

  // First both CAs are trusted, then the certificates are renewed, then the old CA is dropped: no call is rejected meanwhile.
  for (const secret of [serverSecret, clientSecret]) secret.replace(files(await ours.issue(), ours, next));
  assert.equal(await call(port, clientTls), "over TLS");
  const renewed = await next.issue();
  for (const secret of [serverSecret, clientSecret]) secret.replace(files(renewed, ours, next));
  await eventually("the new certificate is presented", async () => (await shown(port)) === serial(renewed));
  assert.equal(await call(port, clientTls), "over TLS");
  assert.equal(await call(port, stale), "over TLS");
  for (const secret of [serverSecret, clientSecret]) secret.replace(files(renewed, next));
  await eventually("the old authority's certificate is rejected", async () => (await call(port, stale)) === "UNAVAILABLE");
  assert.equal(await call(port, clientTls), "over TLS");
});

test("a client presents its renewed certificate on its next connection", async () => {
  const secret = await secretOf(await ours.issue(), ours);
  const before = await serve(watched(await secretOf(await ours.issue(), ours)));
  using client = createClient(NotificationServiceClient, `localhost:${before.port}`, { tls: watched(secret) });
  assert.equal(await callOn(client), "over TLS");
  await before[Symbol.asyncDispose]();
  secret.replace(files(await next.issue(), next));
  await serve(watched(await secretOf(await next.issue(), next)), before.port);
  await eventually("it is accepted again", async () => (await callOn(client)) === "over TLS");
});

test("unusable files are logged once without their content, the previous ones stay in use, and usable ones are loaded again", async () => {
  const [before, other, last] = await Promise.all([ours.issue(), ours.issue(), ours.issue()]);
  const expired = await ours.issue({ validTo: Date.now() - 1_000 });
  const secret = await secretOf(before, ours);
  const lines: string[] = [];
  const { port } = await serve(watched(secret, lines));
  const tls = watched(secret);
  const logged = (what: string) => () => lines.some((line) => line.includes(what));

  secret.replace(files({ cert: other.cert, key: last.key }, ours));
  await eventually("the mismatch is logged", logged("INTERNAL_TLS_KEY_FILE: the key does not belong to the certificate"));
  assert.equal(await shown(port), serial(before));
  secret.replace(files(expired, ours));
  await eventually("the end is logged", logged("INTERNAL_TLS_CERT_FILE: the certificate expired"));
  secret.replace({});
  await eventually("the absence is logged", logged("INTERNAL_TLS_CERT_FILE: the file cannot be read (ENOENT)"));
  assert.equal(await call(port, tls), "over TLS");
  assert.equal(lines.length, 3, lines.join(""));
  secret.replace(files(last, ours));
  await eventually("the last one is presented", async () => (await shown(port)) === serial(last));

  const inKeys = [before, other, last, expired].flatMap(({ key }) =>
    key.split("\n").filter((line) => line.length > 20 && !line.includes("-")),
  );
  assert.ok(inKeys.length >= 4);
  for (const text of inKeys) assert.ok(!lines.join("").includes(text));
});

test("a certificate that expires while it is in use is logged", async () => {
  const secret = await secretOf(await ours.issue(), ours);
  const lines: string[] = [];
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  let now = Date.now();
  const file = (name: string) => ({ name, path: secret.path(name) });
  await serve(watchCertificates({ cert: file("tls.crt"), key: file("tls.key") }, { log, pollMs: POLL_MS, now: () => now }));
  assert.deepEqual(lines, []);
  now += 2 * DAY_MS;
  await eventually("it is logged", () => lines.length > 0);
  assert.match(lines.join(""), /"level":"error".*tls\.crt: the certificate expired/);
});

test("at the start, a missing or unusable file is reported by its variable, and no file at all means plain text", async () => {
  const good = named(await secretOf(await ours.issue(), ours));
  const empty = { INTERNAL_TLS_CERT_FILE: "", INTERNAL_TLS_KEY_FILE: "", INTERNAL_TLS_CA_FILE: "" };
  const start = (config: typeof good) => () => internalTls(config, quiet);
  assert.equal(internalTls(empty, quiet), undefined);
  assert.throws(start({ ...good, INTERNAL_TLS_CA_FILE: "" }), {
    name: "ConfigError",
    message: /INTERNAL_TLS_CA_FILE: must be set where INTERNAL_TLS_CERT_FILE and INTERNAL_TLS_KEY_FILE is/,
  });
  const other = named(await secretOf(await ours.issue(), ours));
  assert.throws(start({ ...good, INTERNAL_TLS_KEY_FILE: other.INTERNAL_TLS_KEY_FILE }), {
    name: "ConfigError",
    message: /INTERNAL_TLS_KEY_FILE: the key does not belong to the certificate of INTERNAL_TLS_CERT_FILE/,
  });
  const expired = named(await secretOf(await ours.issue({ validTo: Date.now() - 1_000 }), ours));
  assert.throws(start(expired), { name: "ConfigError", message: /INTERNAL_TLS_CERT_FILE: the certificate expired at/ });
});

test("plain text is said at the start, unless it stays on this machine", async () => {
  const empty = { INTERNAL_TLS_CERT_FILE: "", INTERNAL_TLS_KEY_FILE: "", INTERNAL_TLS_CA_FILE: "" };
  const warnings = (address: string, config = empty) => {
    const lines: string[] = [];
    internalTls(config, createLogger("test", "info", { write: (line) => void lines.push(line) }), address);
    return lines.join("");
  };
  for (const address of ["0.0.0.0:7710", "preferences:7710", "dns:///carillon-preferences.carillon.svc:7710", "[::]:7710", "10.0.0.1:7710"])
    assert.match(warnings(address), /"level":"warn".*calls between our services are plain text/, address);
  for (const address of ["127.0.0.1:7710", "localhost:7710", "[::1]:7710", "dns:///localhost:7710"])
    assert.equal(warnings(address), "", address);
  assert.equal(warnings("0.0.0.0:7710", named(await secretOf(await ours.issue(), ours))), "");
});

test("a connection over TLS that ends after its handshake, or after its settings, is closed at once", async () => {
  const secret = await secretOf(await ours.issue(), ours);
  const { port } = await serve(watched(secret), 0, { handshakeMs: 600_000 });
  const [cert, key, ca] = Object.values(named(secret)).map((path) => readFileSync(path));
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const settings = "\0\0\0\u0004\0\0\0\0\0";
  for (const text of ["", preface, preface + settings]) {
    const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ALPNProtocols: ["h2"], ...{ cert, key, ca } });
    socket.on("error", () => undefined);
    socket.resume();
    await once(socket, "secureConnect");
    socket.end(text);
    await once(socket, "close");
  }
});
