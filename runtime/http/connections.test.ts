import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, createServer, request } from "node:https";
import { connect as connectTcp, type Socket } from "node:net";
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

test("over TLS, what has been closed takes no place: the connection whose latest request is the oldest makes room", async () => {
  const closed: (string | undefined)[] = [];
  const server = createServer(certificate, (_message, response) => response.end("in time"));
  boundConnections(server, 2, (peer) => closed.push(peer));
  const port = await listen(server, { host: "127.0.0.1", port: 0 });
  const ask = async (agent: Agent) => {
    const asking = request({ host: "127.0.0.1", port, rejectUnauthorized: false, agent }).end();
    const [response] = (await once(asking, "response")) as [IncomingMessage];
    const { socket } = response;
    await once(response.resume(), "end");
    return socket;
  };
  for (let i = 0; i < 3; i++) {
    const gone = once(server, "connection").then(([socket]) => once(socket as Socket, "close"));
    await ask(new Agent({ keepAlive: false }));
    await gone;
  }
  assert.deepEqual(closed, []);
  const agents = [1, 2, 3].map(() => new Agent({ keepAlive: true }));
  const [first, second] = [await ask(agents[0]!), await ask(agents[1]!)];
  const firstClosed = once(first, "close");
  const third = await ask(agents[2]!);
  await firstClosed;
  assert.deepEqual([closed, second.destroyed, third.destroyed], [["127.0.0.1"], false, false]);
  for (const agent of agents) agent.destroy();
  await close(server, 100);
});
