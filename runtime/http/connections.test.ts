import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request } from "node:https";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { openCertificate, type ServerCertificate } from "../../sandbox/kit/certificate.ts";
import { boundConnections } from "./connections.ts";
import { close, listen } from "./listen.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-connections-"));
let certificate: ServerCertificate;
before(async () => {
  certificate = (await openCertificate(directory, Date.now())).server;
});
after(() => rmSync(directory, { recursive: true }));

test("over TLS, too, a connection without a request is closed for another, and one whose request is being handled does not", async () => {
  const handling = Promise.withResolvers<void>();
  const closed: (string | undefined)[] = [];
  const server = createServer(certificate);
  const connections = boundConnections(server, 1, (peer) => closed.push(peer));
  server.on("tlsClientError", () => undefined);
  server.on("request", async (message, response) => {
    connections.busy(message.socket as TLSSocket);
    await handling.promise;
    response.end("in time");
  });
  const port = await listen(server, { host: "127.0.0.1", port: 0 });
  const silent = connectTcp(port, "127.0.0.1");
  silent.on("error", () => undefined);
  await once(silent, "connect");
  const silentClosed = once(silent, "close");
  const handled = once(server, "request");
  const asking = request({ host: "127.0.0.1", port, rejectUnauthorized: false, agent: false }).end();
  const answer = once(asking, "response");
  await silentClosed;
  await handled;
  const late = connectTcp(port, "127.0.0.1");
  late.on("error", () => undefined);
  await once(late, "close");
  handling.resolve();
  const [response] = await answer;
  assert.equal(response.statusCode, 200);
  assert.deepEqual(closed, ["127.0.0.1", "127.0.0.1"]);
  asking.destroy();
  await close(server, 100);
});
