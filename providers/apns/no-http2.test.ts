import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createServer, type TlsOptions } from "node:tls";
import type { Provider } from "../../core/ports/provider.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { openCertificate } from "../../sandbox/kit/certificate.ts";
import type { Sandbox } from "../../sandbox/main.ts";
import { samplePush } from "../../test/support/delivery-samples.ts";
import { startTestSandbox } from "../../test/support/raw-client.ts";
import { apnsVariables } from "./config.ts";
import { createApnsProvider } from "./provider.ts";

const PUSHES = 40;
const directory = mkdtempSync(join(tmpdir(), "carillon-no-http2-"));
let sandbox: Sandbox;
let tls: TlsOptions;
before(async () => {
  sandbox = await startTestSandbox();
  const { server, caFile } = await openCertificate(directory, Date.now());
  tls = { ...server, ca: readFileSync(caFile) };
});
after(async () => {
  await sandbox[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

/** Sends pushes to a server that counts the bytes it was sent after the handshake. */
async function outcomesAt(server: Server, received: () => number) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const env = {
    ...sandbox.env,
    APNS_ORIGIN: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    PROVIDER_CA_FILE: join(directory, "ca.pem"),
  };
  const provider: Provider = createApnsProvider(readConfig(apnsVariables, env), { clock: systemClock });
  const push = () => samplePush({ channel: "apns", token: `${"5a".repeat(20)}aa` });
  const outcomes = await Promise.all(Array.from({ length: PUSHES }, () => provider.send(push(), AbortSignal.timeout(15_000))));
  await provider[Symbol.asyncDispose]();
  server.close();
  assert.equal(received(), 0, "bytes of a request");
  return new Set(outcomes.map((outcome) => JSON.stringify(outcome)));
}

const unavailable = (code: string) => new Set([JSON.stringify({ kind: "unavailable", fault: { code } })]);

for (const [what, options] of [
  ["agrees on HTTP/1.1 alone", { ALPNProtocols: ["http/1.1"] }],
  ["knows no protocols", {}],
  ["knows other protocols alone", { ALPNProtocols: ["imap"] }],
] as const)
  test(`every push to a server that ${what} is known not to be sent`, async () => {
    let received = 0;
    const server = createServer({ ...tls, ...options }, (socket) => {
      socket.on("error", () => undefined);
      socket.on("data", ({ length }) => {
        received += length;
      });
    });
    server.on("tlsClientError", () => undefined);
    assert.deepEqual(await outcomesAt(server, () => received), unavailable("no-http2"));
  });

test("every push to a server of plain HTTP is known not to be sent", async () => {
  let requests = 0;
  const server = createHttpServer(() => {
    requests += 1;
  });
  assert.deepEqual(await outcomesAt(server, () => requests), unavailable("tls"));
});
