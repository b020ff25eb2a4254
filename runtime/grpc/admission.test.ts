import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { status } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { GetNotificationRequest, NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import { ExternalScalerService } from "../../gen/externalscaler/externalscaler.ts";
import { eventually } from "../../test/support/eventually.ts";
import { framed, type RawGrpc, rawGrpc } from "../../test/support/raw-grpc.ts";
import { callHeaders, END_HEADERS, FRAME, headerBlock, type RawHttp2, rawHttp2 } from "../../test/support/raw-http2.ts";
import { callError } from "../call-error.ts";
import type { ReadHeader } from "../handler.ts";
import { createLogger } from "../logger.ts";
import { createMetrics } from "../metrics.ts";
import { rejectionCounter } from "./rejections.ts";
import { type GrpcServerOptions, startGrpcServer } from "./server.ts";

const GET = NotificationServiceService.getNotification.path;
const BATCH = NotificationServiceService.batchSendNotifications.path;
const STREAM = ExternalScalerService.streamIsActive.path;
const REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const KEY = { authorization: "Bearer right" };
const message = framed(GetNotificationRequest.encode({ notificationId: "a".repeat(32) }).finish());
const MIB = 1024 * 1024;

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

type Answer = (error: null, response: Record<string, unknown>) => void;
/** A server whose methods answer at once; it counts what reaches a handler or a decoder. */
async function serve(options: Partial<GrpcServerOptions> = {}) {
  const seen = { handled: 0, decoded: 0 };
  const lines: string[] = [];
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const metrics = createMetrics("test");
  const authenticate = async (header: ReadHeader) =>
    header("authorization") === KEY.authorization ? { app: "shop" } : callError("UNAUTHENTICATED", "UNAUTHENTICATED", "no key");
  const answer = (_: unknown, reply: Answer) => {
    seen.handled++;
    reply(null, {});
  };
  const counted = <D extends typeof NotificationServiceService | typeof ExternalScalerService>(definition: D) =>
    Object.fromEntries(
      Object.entries(definition).map(([name, method]) => {
        const requestDeserialize = (bytes: Buffer) => {
          seen.decoded++;
          return method.requestDeserialize(bytes);
        };
        return [name, { ...method, requestDeserialize, responseSerialize: () => Buffer.alloc(0) }];
      }),
    );
  const implementation = { sendNotification: answer, batchSendNotifications: answer, getNotification: answer };
  const scaler = { isActive: answer, getMetricSpec: answer, getMetrics: answer, streamIsActive: () => assert.fail("the stream is opened") };
  const server = await startGrpcServer({
    address: "127.0.0.1:0",
    services: [
      {
        definition: counted(NotificationServiceService),
        implementation,
        authenticate,
        messageBytesMax: { batchSendNotifications: 16 * MIB },
      },
      { definition: counted(ExternalScalerService), implementation: scaler, authenticate },
    ],
    reflection: true,
    rejected: rejectionCounter(metrics),
    log,
    drainMs: 100,
    ...options,
  });
  stack.use(server);
  const rejected = async (reason: string) => {
    const printed = await metrics.registry.metrics();
    return Number(
      new RegExp(`carillon_grpc_rejections_total\\{listener="grpc",reason="${reason}",service="test"\\} (\\d+)`).exec(printed)?.[1] ?? 0,
    );
  };
  return { ...server, seen, lines, rejected };
}
const client = async (server: { address: string }): Promise<RawGrpc> => stack.use(await rawGrpc(server.address));

for (const path of [GET, BATCH, STREAM]) {
  for (const headers of [{}, { authorization: "Bearer wrong" }]) {
    test(`without a valid key nothing of the message is read: ${path}, ${JSON.stringify(headers)}`, async () => {
      const server = await serve();
      const raw = await client(server);
      const { stream, status: ended } = raw.open(path, headers);
      stream.write(framed(Buffer.alloc(15 * MIB)));
      const { code } = await ended;
      assert.equal(code, status.UNAUTHENTICATED);
      // HTTP/2's window is 64 kB, and grpc-js opens a second one; more is sent only when the server reads.
      assert.ok(raw.sent < 150_000, `${raw.sent} bytes were sent`);
      assert.deepEqual(server.seen, { handled: 0, decoded: 0 });
      assert.equal(await server.rejected("unauthenticated"), 1);
    });
  }
}

for (const ending of ["are cut", "end by themselves"]) {
  test(`a flood of calls without a key leaves nothing behind, and a caller with one is answered: requests that ${ending}`, async () => {
    const server = await serve();
    for (let round = 0; round < 20; round++) {
      const raw = await client(server);
      const calls = Array.from({ length: 99 }, () => {
        const call = raw.open(BATCH);
        if (ending === "are cut") call.stream.write(framed(Buffer.alloc(40_000)));
        else call.stream.end(message);
        return call.status;
      });
      for (const { code, rstCode } of await Promise.all(calls)) assert.deepEqual([code, rstCode], [status.UNAUTHENTICATED, 0]);
    }
    assert.deepEqual(server.seen, { handled: 0, decoded: 0 });
    assert.equal(await server.rejected("unauthenticated"), 20 * 99);
    // One line for the whole flood, or two where it took more than ten seconds.
    assert.ok(server.lines.filter((l) => l.includes("unauthenticated")).length <= 2);
    const known = (await client(server)).open(GET, KEY);
    known.stream.end(message);
    assert.equal((await known.status).code, status.OK);
  });
}

/** Bodies of one call, and how it must end. */
const bodies: [string, Buffer, number, string, number][] = [
  ["a message that is compressed", framed(gzipSync(message.subarray(5)), 1), status.UNIMPLEMENTED, "compressed", 0],
  ["a flag that is neither 0 nor 1", framed(message.subarray(5), 7), status.INVALID_ARGUMENT, "malformed", 0],
  ["two messages", Buffer.concat([message, message]), status.INVALID_ARGUMENT, "malformed", 0],
  ["3,000 empty messages", Buffer.alloc(15_000), status.INVALID_ARGUMENT, "malformed", 0],
  ["no message", Buffer.alloc(0), status.INVALID_ARGUMENT, "malformed", 0],
  ["half a prefix", message.subarray(0, 3), status.INVALID_ARGUMENT, "malformed", 0],
  ["half a message", message.subarray(0, 20), status.INVALID_ARGUMENT, "malformed", 0],
  ["a length over the limit", Buffer.from([0, 0, 16, 0, 1]), status.INVALID_ARGUMENT, "too-large", 0],
  ["a length of 4 GiB", Buffer.from([0, 255, 255, 255, 255]), status.INVALID_ARGUMENT, "too-large", 0],
  ["a message that is no protobuf", framed(Buffer.from([0x0a, 0x7f, 0x61])), status.INVALID_ARGUMENT, "malformed", 1],
  ["a length beyond the message", framed(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])), status.INVALID_ARGUMENT, "malformed", 1],
  ["a group that never ends", framed(Buffer.alloc(1_000, 0x0b)), status.INVALID_ARGUMENT, "malformed", 1],
];
for (const [what, body, code, reason, decoded] of bodies) {
  test(`${what} ends a call with a sentence, and is counted as ${reason}`, async () => {
    const server = await serve();
    const { stream, status: ended } = (await client(server)).open(GET, KEY);
    stream.end(body);
    const answer = await ended;
    assert.equal(answer.code, code, answer.message);
    assert.ok(answer.message.length > 20, answer.message);
    if (reason === "compressed") assert.equal(answer.headers["grpc-accept-encoding"], "identity");
    assert.equal(server.seen.handled, 0);
    assert.ok(server.seen.decoded <= decoded);
    assert.equal(await server.rejected(reason), 1);
  });
}

test("rejected messages leave no stream behind", async () => {
  const server = await serve();
  const raw = await client(server);
  for (let round = 0; round < 5; round++) {
    const calls = Array.from({ length: 100 }, () => {
      const call = raw.open(GET, KEY);
      call.stream.end(framed(Buffer.from([0x0a, 0x7f])));
      return call.status;
    });
    for (const { code } of await Promise.all(calls)) assert.equal(code, status.INVALID_ARGUMENT);
  }
});

test("the limit of a method's message is its own", async () => {
  const server = await serve();
  const raw = await client(server);
  const answerTo = (path: string, length: number) => {
    const call = raw.open(path, KEY);
    call.stream.end(framed(Buffer.concat([Buffer.from([0x7a, ...varint(length - 5)]), Buffer.alloc(length - 5)])));
    return call.status;
  };
  // Field 15 is none of either request's, so the messages are valid.
  assert.equal((await answerTo(GET, MIB)).code, status.OK);
  const over = await answerTo(GET, MIB + 1);
  assert.deepEqual(
    [over.code, over.message],
    [status.INVALID_ARGUMENT, "the message is larger than 1048576 bytes, the most of this method"],
  );
  assert.equal((await answerTo(BATCH, 16 * MIB)).code, status.OK);
  assert.equal((await answerTo(BATCH, 16 * MIB + 1)).code, status.INVALID_ARGUMENT);
});
/** In four bytes, over-long or not. */
const varint = (n: number) => [(n & 0x7f) | 0x80, ((n >> 7) & 0x7f) | 0x80, ((n >> 14) & 0x7f) | 0x80, (n >> 21) & 0x7f];

/** Headers that a client library would not send, and what is answered. */
const headers: [string, Record<string, string>, number | undefined][] = [
  ["a timeout without a unit", { "grpc-timeout": "10" }, status.INVALID_ARGUMENT],
  ["a timeout that is no number", { "grpc-timeout": "xS" }, status.INVALID_ARGUMENT],
  ["a timeout of 11,000 years", { "grpc-timeout": "99999999H" }, status.OK],
  ["a header that is not ASCII", { authorization: "Bearer ri\u00ffght" }, status.INVALID_ARGUMENT],
  ["a binary header that is not base64", { "x-bin": "%%%" }, status.OK],
  ["another content type", { "content-type": "application/json" }, status.INVALID_ARGUMENT],
  ["another method", { ":method": "PUT" }, status.INVALID_ARGUMENT],
  ["an unknown path", { ":path": "/carillon.v1.NotificationService/Nothing" }, status.UNIMPLEMENTED],
  ["a path of other characters", { ":path": "/\u00e9\u00ff" }, status.UNIMPLEMENTED],
  ["80 kB of headers", { "x-large": "a".repeat(80_000) }, undefined],
];
for (const [what, given, code] of headers) {
  test(`${what}: ${code === undefined ? "the stream is closed" : status[code]}`, async () => {
    const server = await serve();
    const raw = await client(server);
    const { stream, status: ended } = raw.open(GET, { ...KEY, ...given });
    stream.end(message);
    assert.equal((await ended).code, code);
    assert.ok(!server.lines.some((l) => l.includes("right") || l.includes("ri\u00ff")));
    const next = (await client(server)).open(GET, KEY);
    next.stream.end(message);
    assert.equal((await next.status).code, status.OK);
  });
}

test("a request that does not arrive in time is cut, whether its message or its end is missing", async () => {
  const server = await serve({ limits: { receiveMs: 50, sweepMs: 10 } });
  const raw = await client(server);
  for (const begun of [Buffer.alloc(0), message.subarray(0, 10), message]) {
    const { stream, status: ended } = raw.open(GET, KEY);
    stream.write(begun);
    const { code, message: text } = await ended;
    assert.deepEqual([code, text], [status.DEADLINE_EXCEEDED, "the request did not arrive within 10 s of its headers"]);
  }
  assert.equal(await server.rejected("too-slow"), 3);
});

test("of unfinished messages beyond the ceiling the largest gives way; a small call is answered", async () => {
  const server = await serve({ limits: { requestBytesMax: 4 * MIB } });
  const raw = await client(server);
  raw.session.setLocalWindowSize(16 * MIB);
  const unfinished = [1, 2, 3].map((n) => {
    const call = raw.open(BATCH, KEY);
    call.stream.write(framed(Buffer.alloc(16 * MIB)).subarray(0, n * MIB));
    return call;
  });
  const first = await Promise.race(unfinished.map((c) => c.status));
  assert.deepEqual(
    [first.code, first.message],
    [status.RESOURCE_EXHAUSTED, "requests of too many bytes are under way; nothing was stored"],
  );
  assert.equal(await server.rejected("overloaded"), 1);
  const small = raw.open(GET, KEY);
  small.stream.end(message);
  assert.equal((await small.status).code, status.OK);
  // What ended is no longer counted.
  for (const { stream } of unfinished) stream.close();
  const whole = raw.open(BATCH, KEY);
  whole.stream.end(framed(Buffer.concat([Buffer.from([0x7a, ...varint(3 * MIB - 5)]), Buffer.alloc(3 * MIB - 5)])));
  assert.equal((await whole.status).code, status.OK);
});

test("a message in pieces of one byte is charged for its pieces", async () => {
  const server = await serve({ limits: { requestBytesMax: 1_000_000 } });
  using raw = await rawHttp2(server.port);
  raw.socket.write(raw.frame(FRAME.headers, END_HEADERS, 1, callHeaders(GET, KEY)));
  raw.socket.write(raw.frame(FRAME.data, 0, 1, framed(Buffer.alloc(100_000)).subarray(0, 5)));
  for (let i = 0; i < 5_000; i++) raw.socket.write(raw.frame(FRAME.data, 0, 1, Buffer.alloc(1)));
  await eventually("the call is rejected", async () => (await server.rejected("overloaded")) === 1);
});

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

test("streams are limited to 100 on a connection", async () => {
  const server = await serve();
  const raw = await client(server);
  if (raw.session.remoteSettings.maxConcurrentStreams === undefined) await once(raw.session, "remoteSettings");
  assert.equal(raw.session.remoteSettings.maxConcurrentStreams, 100);
});

test("reflection and health have few streams, and reflection's have few requests", async () => {
  const server = await serve({ limits: { openStreamMs: 200, sweepMs: 20 } });
  const [a, b] = [await client(server), await client(server)];
  const list = framed(Buffer.from([0x3a, 0x01, 0x2a]));
  const many = a.open(REFLECTION);
  for (let i = 0; i <= 200; i++) many.stream.write(list);
  assert.equal((await many.status).code, status.INVALID_ARGUMENT);

  const large = a.open(REFLECTION);
  large.stream.end(framed(Buffer.alloc(4_097)));
  assert.equal((await large.status).code, status.INVALID_ARGUMENT);

  const held = Array.from({ length: 100 }, () => a.open(REFLECTION));
  for (const { stream } of held) stream.write(list);
  await Promise.all(held.map(({ stream }) => once(stream, "data")));
  assert.equal((await b.open(REFLECTION).status).code, status.RESOURCE_EXHAUSTED);
  // Held open, they end by themselves.
  for (const { code } of await Promise.all(held.map((c) => c.status))) assert.notEqual(code, status.OK);
  const later = b.open(REFLECTION);
  later.stream.end(list);
  assert.equal((await later.status).code, status.OK);
});

test("health answers without a key, and watches no name that it does not know", async () => {
  const server = await serve();
  const raw = await client(server);
  const { Check: check, Watch: watch } = healthService as unknown as Record<string, { path: string }>;
  const ask = (path: string, name: string) => {
    const call = raw.open(path);
    call.stream.end(framed(Buffer.concat([Buffer.from([0x0a, name.length]), Buffer.from(name)])));
    return call;
  };
  const { path: checkPath } = check ?? assert.fail();
  const { path: watchPath } = watch ?? assert.fail();
  assert.equal((await ask(checkPath, "liveness").status).code, status.OK);
  assert.equal((await ask(watchPath, "no such service").status).code, status.NOT_FOUND);
  const watched = ask(watchPath, "readiness");
  await once(watched.stream, "data");
  watched.stream.close();
});
