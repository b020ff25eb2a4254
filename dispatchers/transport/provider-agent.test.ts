import assert from "node:assert/strict";
import { once } from "node:events";
import type { ClientRequest } from "node:http";
import { request } from "node:https";
import { createServer } from "node:net";
import { test } from "node:test";
import { createProviderAgent } from "./provider-agent.ts";

/** Counts connections, and says nothing on them. */
async function startSilence() {
  const sockets: { destroy(): unknown }[] = [];
  const server = createServer((socket) => void sockets.push(socket.on("error", () => undefined))).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    connections: () => sockets.length,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

test("a request the SDK comes to only after the deadline never leaves", async () => {
  await using silence = await startSilence();
  using connections = createProviderAgent({ ca: "", connectionsMax: 1 });
  const ready = Promise.withResolvers<void>();
  const made = Promise.withResolvers<ClientRequest>();
  const exchanged = await connections.exchange(AbortSignal.timeout(20), async () => {
    await ready.promise;
    made.resolve(
      request({ host: "127.0.0.1", port: silence.port, agent: connections.agent })
        .on("error", () => undefined)
        .end(),
    );
  });
  assert.deepEqual({ ...exchanged, error: undefined }, { kind: "broken", error: undefined, written: false });
  ready.resolve();
  const late = await made.promise;
  assert.equal(late.destroyed, true);
});

test("a request that waits for a place is taken out of the line at its deadline", async () => {
  await using silence = await startSilence();
  using connections = createProviderAgent({ ca: "", connectionsMax: 1 });
  const call = (signal: AbortSignal) =>
    connections.exchange(signal, async () => {
      const sent = request({ host: "127.0.0.1", port: silence.port, agent: connections.agent }).end();
      await once(sent, "response");
    });
  const [first, second] = await Promise.all([call(AbortSignal.timeout(200)), call(AbortSignal.timeout(50))]);
  assert.ok(first.kind === "broken" && !first.written);
  assert.ok(second.kind === "broken" && !second.written);
  assert.equal(silence.connections(), 1);
});

test("requests of others are left alone", async () => {
  await using silence = await startSilence();
  using connections = createProviderAgent({ ca: "", connectionsMax: 1 });
  await connections.exchange(AbortSignal.abort(), async () => undefined);
  const others = request({ host: "127.0.0.1", port: silence.port, agent: false })
    .on("error", () => undefined)
    .end();
  assert.equal(others.destroyed, false);
  const closed = new Promise((resolve) => others.once("close", resolve));
  others.destroy();
  await closed;
});
