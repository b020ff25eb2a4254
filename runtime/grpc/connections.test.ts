import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2, type Settings } from "node:http2";
import { connect as connectTcp } from "node:net";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { BANK_KEY, client, GET, KEY, message, serve } from "../../test/support/counting-server.ts";
import { eventually } from "../../test/support/eventually.ts";
import { framed, type RawGrpc } from "../../test/support/raw-grpc.ts";
import { callHeaders, END_HEADERS, FRAME, headerBlock, type RawHttp2, rawHttp2 } from "../../test/support/raw-http2.ts";
import { callError } from "../call-error.ts";

/** Frames that cost the sender little. Each flood ends with the connection closed, and the next caller is answered. */
const floods: Record<string, (raw: RawHttp2, i: number) => Buffer> = {
  "resets of streams": (raw, i) =>
    Buffer.concat([
      raw.frame(FRAME.headers, END_HEADERS, 2 * i + 1, callHeaders(GET, KEY)),
      raw.frame(FRAME.reset, 0, 2 * i + 1, Buffer.from([0, 0, 0, 8])),
    ]),
  pings: (raw) => raw.frame(FRAME.ping, 0, 0, Buffer.alloc(8)),
  settings: (raw) => raw.frame(FRAME.settings, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255])),
  "headers that never end": (raw, i) =>
    i === 0 ? raw.frame(FRAME.headers, 0, 1, callHeaders(GET)) : raw.frame(FRAME.continuation, 0, 1, headerBlock({ x: "a".repeat(1_000) })),
  "empty pieces": (raw, i) =>
    i === 0 ? raw.frame(FRAME.headers, END_HEADERS, 1, callHeaders(GET, KEY)) : raw.frame(FRAME.data, 0, 1, Buffer.alloc(0)),
};
for (const [what, next] of Object.entries(floods)) {
  test(`a flood of ${what} ends with its connection`, async () => {
    const server = await serve();
    using raw = await rawHttp2(server.port);
    let over = false;
    void raw.closed.then(() => {
      over = true;
    });
    // Its answers are not read.
    raw.socket.pause();
    for (let i = 0; !over && i < 200_000; i++) {
      if (!raw.socket.write(next(raw, i))) await Promise.race([new Promise((resolve) => raw.socket.once("drain", resolve)), raw.closed]);
      if (i % 1_000 === 999) raw.socket.resume();
    }
    raw.socket.resume();
    await raw.closed;
    const known = (await client(server)).open(GET, KEY);
    known.stream.end(message);
    assert.equal((await known.status).code, status.OK);
  });
}

test("at the limit of connections, those without an admitted call make room", async () => {
  const server = await serve({ limits: { connectionsMax: 3 } });
  const known = await client(server);
  const call = async () => {
    const { stream, status: ended } = known.open(GET, KEY);
    stream.end(message);
    return (await ended).code;
  };
  assert.equal(await call(), status.OK);
  const strangers = [await client(server), await client(server), await client(server), await client(server)];
  await eventually("two strangers are cut", () => strangers.filter((s) => s.session.destroyed).length === 2);
  assert.equal(await server.rejected("connection-limit"), 2);
  assert.equal(await call(), status.OK);
});

const callOver = async (raw: RawGrpc, headers: Record<string, string>, path: string = GET) => {
  const { stream, status: ended } = raw.open(path, headers);
  stream.end(path === GET ? message : framed(Buffer.alloc(0)));
  return (await ended).code;
};

test("at the limit without strangers, the caller with the most connections loses the one idle for longest", async () => {
  const server = await serve({ limits: { connectionsMax: 4 } });
  const bank = await client(server);
  assert.equal(await callOver(bank, BANK_KEY), status.OK);
  const shops = [await client(server), await client(server), await client(server)];
  for (const shop of shops) assert.equal(await callOver(shop, KEY), status.OK);
  assert.equal(await callOver(shops[0]!, KEY), status.OK);
  const next = await client(server);
  assert.equal(await callOver(next, BANK_KEY), status.OK);
  await eventually("one is closed", () => shops.some(({ session }) => session.closed));
  assert.deepEqual(
    shops.map(({ session }) => session.closed),
    [false, true, false],
  );
  assert.equal(await callOver(bank, BANK_KEY), status.OK);
  assert.equal(await server.rejected("connection-limit"), 1);
});

test("a connection whose key is revoked is closed after a hundred calls, not after some between admitted ones", async () => {
  let revoked = false;
  const error = callError("UNAUTHENTICATED", "UNAUTHENTICATED", "the API key was revoked");
  const server = await serve({}, { lookup: () => (revoked ? error : undefined) });
  const raw = await client(server);
  for (let i = 0; i < 150; i++) {
    revoked = i % 3 > 0;
    assert.equal(await callOver(raw, KEY), revoked ? status.UNAUTHENTICATED : status.OK);
  }
  assert.equal(raw.session.closed, false);
  revoked = true;
  for (let i = 0; i < 100 && !raw.session.closed; i++) await callOver(raw, KEY);
  await eventually("it is closed", () => raw.session.closed);
  assert.equal(await server.rejected("wasted-calls"), 1);
});

test("calls whose key cannot be checked are not held against a new connection", async () => {
  let away = true;
  const error = callError("UNAVAILABLE", "UNAVAILABLE", "the store is unavailable");
  const server = await serve({}, { lookup: () => (away ? error : undefined) });
  const raw = await client(server);
  for (let i = 0; i < 150; i++) assert.equal(await callOver(raw, KEY), status.UNAVAILABLE);
  away = false;
  assert.equal(await callOver(raw, KEY), status.OK);
});

test("where everybody is admitted a call proves its connection, and a question for health does not", async () => {
  const server = await serve({ limits: { connectionsMax: 2 } }, { anybody: true });
  const { Check: check } = healthService as unknown as Record<string, { path: string }>;
  const probe = await client(server);
  assert.equal(await callOver(probe, {}, check!.path), status.OK);
  const known = await client(server);
  assert.equal(await callOver(known, {}), status.OK);
  const next = await client(server);
  await eventually("the probe's connection makes room", () => probe.session.destroyed);
  assert.equal(await callOver(next, {}), status.OK);
  assert.equal(await callOver(known, {}), status.OK);
});

for (const [what, headers] of [
  ["rejected", {}],
  ["reset by the client", KEY],
] as const) {
  test(`a connection without an admitted call is closed after a hundred that are ${what}`, async () => {
    const server = await serve({ limits: { receiveMs: 60_000 } });
    using raw = await rawHttp2(server.port);
    let over = false;
    void raw.closed.then(() => {
      over = true;
    });
    // The key comes with the reset, so the call is not admitted before.
    for (let i = 0; !over && i < 5_000; i++) {
      const id = 2 * i + 1;
      const reset = raw.frame(FRAME.reset, 0, id, Buffer.from([0, 0, 0, 8]));
      raw.socket.write(Buffer.concat([raw.frame(FRAME.headers, END_HEADERS, id, callHeaders(GET, headers)), reset]));
      if (i % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await raw.closed;
    if (what === "rejected") assert.equal(await server.rejected("wasted-calls"), 1);
  });
}

test("a caller with a key may be rejected more often on a connection", async () => {
  const server = await serve();
  const raw = await client(server);
  const first = raw.open(GET, KEY);
  first.stream.end(message);
  assert.equal((await first.status).code, status.OK);
  for (let i = 0; i < 150; i++) {
    const { stream, status: ended } = raw.open(GET, KEY);
    stream.end(framed(Buffer.from([0])));
    assert.equal((await ended).code, status.INVALID_ARGUMENT);
  }
});

test("a connection that never speaks HTTP/2 is closed", async () => {
  const server = await serve({ limits: { handshakeMs: 50 } });
  for (const text of ["", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]) {
    const socket = connectTcp(server.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(text);
    socket.resume();
    await once(socket, "close");
  }
  await eventually("both are counted", async () => (await server.rejected("handshake")) === 2);
  const other = connectTcp(server.port, "127.0.0.1");
  other.on("error", () => undefined);
  other.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  other.resume();
  await once(other, "close");
  assert.ok(server.lines.some((l) => l.includes('"peer":"127.0.0.1:')));
});

test("a connection that ends without a word, or before its settings, is closed at once and not counted", async () => {
  const server = await serve({ limits: { handshakeMs: 600_000 } });
  for (const text of ["", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]) {
    const socket = connectTcp(server.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume();
    socket.end(text);
    await once(socket, "close");
  }
  assert.equal(await server.rejected("handshake"), 0);
});

test("a client that sends no more is answered, and its connection is closed", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = await serve({}, { until: promise });
  using raw = await rawHttp2(server.port);
  raw.socket.write(raw.frame(FRAME.headers, END_HEADERS, 1, callHeaders(GET, KEY)));
  let answered = "";
  raw.socket.on("data", (piece: Buffer) => {
    answered += piece.toString("latin1");
  });
  raw.socket.end(raw.frame(FRAME.data, 1, 1, message));
  await eventually("it is handled", () => server.seen.handled === 1);
  resolve();
  await raw.closed;
  // The answer's status in words, as HPACK leaves short ones.
  assert.match(answered, /OK/);
});

test("streams are limited to 100 on a connection", async () => {
  const server = await serve();
  const session = connectHttp2(`http://${server.address}`);
  // Before these arrive, 100 is what Node itself assumes.
  const [settings] = (await once(session, "remoteSettings")) as [Settings];
  session.destroy();
  assert.equal(settings.maxConcurrentStreams, 100);
});
