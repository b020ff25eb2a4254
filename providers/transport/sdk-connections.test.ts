import assert from "node:assert/strict";
import { once } from "node:events";
import * as http from "node:http";
import * as https from "node:https";
import { createServer } from "node:net";
import { test } from "node:test";
import { OK_ANSWER, startHangingServer } from "../../test/support/hanging-server.ts";
import { PROVIDER_ANSWER_BYTES_MAX } from "./provider-connections.ts";
import { createSdkConnections, type Exchange, type SdkConnections } from "./sdk-connections.ts";

const never = new AbortController().signal;

/** What an SDK does: one POST, resolved with the status or rejected with the error. */
const post = (connections: SdkConnections, origin: string, path: string) => () =>
  new Promise<number | undefined>((resolve, reject) => {
    const { request } = origin.startsWith("https:") ? https : http;
    const sent = request(`${origin}${path}`, { agent: connections.agent, method: "POST" }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode));
    });
    sent.once("error", reject);
    sent.end("{}");
  });

/** A server that counts connections and never answers. */
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

const summaryOf = (exchange: Exchange<unknown>) =>
  `${exchange.kind} ${exchange.seen.written ? "written" : "unwritten"} ${exchange.seen.status}`;

test("a deadline after the request was written reports it as written", async () => {
  await using server = await startHangingServer();
  const origin = server.origin("http");
  using connections = createSdkConnections({ addressFilter: undefined, origin, ca: "" });
  const deadline = new AbortController();
  const exchange = connections.exchange(deadline.signal, post(connections, origin, "/send"));
  const { socket } = await server.received();
  const closed = new Promise((resolve) => socket.once("close", resolve));
  deadline.abort();
  assert.equal(summaryOf(await exchange), "threw written undefined");
  await closed;
});

test("a deadline while waiting for a connection reports nothing written, and nothing is written later", async () => {
  await using server = await startHangingServer();
  const origin = server.origin("http");
  using connections = createSdkConnections({ addressFilter: undefined, origin, ca: "", connectionsMax: 1 });
  const deadline = new AbortController();
  const first = connections.exchange(never, post(connections, origin, "/first"));
  const second = connections.exchange(deadline.signal, post(connections, origin, "/second"));
  const { socket } = await server.received();
  deadline.abort();
  assert.equal(summaryOf(await second), "threw unwritten undefined");
  const third = connections.exchange(never, post(connections, origin, "/third"));
  socket.once("data", (bytes: Buffer) => {
    assert.match(bytes.toString(), /^POST \/third/);
    socket.write(OK_ANSWER);
  });
  socket.write(OK_ANSWER);
  assert.equal(summaryOf(await first), "returned written 200");
  assert.equal(summaryOf(await third), "returned written 200");
});

test("a cut of a connection that a request waited for counts as written", async () => {
  await using server = await startHangingServer();
  const origin = server.origin("http");
  using connections = createSdkConnections({ addressFilter: undefined, origin, ca: "", connectionsMax: 1 });
  const first = connections.exchange(never, post(connections, origin, "/first"));
  const second = connections.exchange(never, post(connections, origin, "/second"));
  const { socket } = await server.received();
  socket.once("data", () => socket.destroy());
  socket.write(OK_ANSWER);
  assert.equal(summaryOf(await first), "returned written 200");
  assert.equal(summaryOf(await second), "threw written undefined");
});

test("a deadline during the handshake reports nothing written", async () => {
  await using server = await startHangingServer();
  const origin = server.origin("https");
  using connections = createSdkConnections({ addressFilter: undefined, origin, ca: "" });
  const deadline = new AbortController();
  const exchange = connections.exchange(deadline.signal, post(connections, origin, "/send"));
  await server.received();
  deadline.abort();
  assert.equal(summaryOf(await exchange), "threw unwritten undefined");
});

test("a call made after its deadline makes no request", async () => {
  await using server = await startHangingServer();
  const origin = server.origin("http");
  using connections = createSdkConnections({ addressFilter: undefined, origin, ca: "" });
  let ran = false;
  const exchange = await connections.exchange(AbortSignal.abort(), async () => {
    ran = true;
  });
  assert.equal(summaryOf(exchange), "threw unwritten undefined");
  assert.equal(ran, false);
});

test("a request that the SDK makes only after the deadline is not sent", async () => {
  await using silence = await startSilence();
  using connections = createSdkConnections({ addressFilter: undefined, ca: "", connectionsMax: 1 });
  const ready = Promise.withResolvers<void>();
  const made = Promise.withResolvers<http.ClientRequest>();
  const exchanged = await connections.exchange(AbortSignal.timeout(20), async () => {
    await ready.promise;
    made.resolve(
      https
        .request({ host: "127.0.0.1", port: silence.port, agent: connections.agent })
        .on("error", () => undefined)
        .end(),
    );
  });
  assert.equal(summaryOf(exchanged), "threw unwritten undefined");
  ready.resolve();
  const late = await made.promise;
  assert.equal(late.destroyed, true);
});

test("a request that waits for a connection is removed from the queue at its deadline", async () => {
  await using silence = await startSilence();
  using connections = createSdkConnections({ addressFilter: undefined, ca: "", connectionsMax: 1 });
  const call = (signal: AbortSignal) =>
    connections.exchange(signal, async () => {
      const sent = https.request({ host: "127.0.0.1", port: silence.port, agent: connections.agent }).end();
      await once(sent, "response");
    });
  const [first, second] = await Promise.all([call(AbortSignal.timeout(200)), call(AbortSignal.timeout(50))]);
  assert.deepEqual([first, second].map(summaryOf), ["threw unwritten undefined", "threw unwritten undefined"]);
  assert.equal(silence.connections(), 1);
});

test("requests made outside exchange() are not affected", async () => {
  await using silence = await startSilence();
  using connections = createSdkConnections({ addressFilter: undefined, ca: "", connectionsMax: 1 });
  await connections.exchange(AbortSignal.abort(), async () => undefined);
  const others = https
    .request({ host: "127.0.0.1", port: silence.port, agent: false })
    .on("error", () => undefined)
    .end();
  assert.equal(others.destroyed, false);
  const closed = new Promise((resolve) => others.once("close", resolve));
  others.destroy();
  await closed;
});

test("a request made after the SDK gave up is not sent", async () => {
  await using silence = await startSilence();
  using connections = createSdkConnections({ addressFilter: undefined, ca: "" });
  const ready = Promise.withResolvers<void>();
  const made = Promise.withResolvers<http.ClientRequest>();
  const exchanged = await connections.exchange(never, async () => {
    const later = async () => {
      await ready.promise;
      made.resolve(
        https
          .request({ host: "127.0.0.1", port: silence.port, agent: connections.agent })
          .on("error", () => undefined)
          .end(),
      );
    };
    void later();
    throw new Error("the SDK's own");
  });
  assert.equal(summaryOf(exchanged), "threw unwritten undefined");
  ready.resolve();
  assert.equal((await made.promise).destroyed, true);
});

test("an answer without an end is cut off, and is no answer", async () => {
  await using server = await startHangingServer();
  const origin = server.origin("http");
  using connections = createSdkConnections({ addressFilter: undefined, origin, ca: "" });
  let read = 0;
  const exchange = connections.exchange(
    never,
    () =>
      new Promise((resolve, reject) => {
        const request = http.request(origin, { method: "POST", agent: connections.agent }, (response) => {
          response.on("data", ({ length }: Buffer) => {
            read += length;
          });
          response.on("end", resolve);
        });
        request.on("error", reject).end("x");
      }),
  );
  const { socket } = await server.received();
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  const piece = `10000\r\n${"a".repeat(0x10000)}\r\n`;
  const more = () => {
    if (!socket.destroyed) socket.write(piece, () => setImmediate(more));
  };
  more();
  assert.equal(summaryOf(await exchange), "threw written 200");
  await closed;
  assert.ok(read <= PROVIDER_ANSWER_BYTES_MAX, `${read} bytes were read`);
});
