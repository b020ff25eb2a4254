import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { status } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { ExternalScalerService } from "../../gen/externalscaler/externalscaler.ts";
import { BANK_KEY, BATCH, client, GET, KEY, MIB, message, serve } from "../../test/support/counting-server.ts";
import { eventually } from "../../test/support/eventually.ts";
import { framed } from "../../test/support/raw-grpc.ts";
import { callHeaders, END_HEADERS, FRAME, rawHttp2 } from "../../test/support/raw-http2.ts";
import { fixedCallLimit } from "./call-limit.ts";

const STREAM = ExternalScalerService.streamIsActive.path;
const WATCH = "/grpc.health.v1.Health/Watch";
const REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

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
  const server = await serve({ limits: { requestBytesMax: 9 * MIB } });
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

test("a caller with as many calls under way as are free gets no further one, until one has ended", async () => {
  const server = await serve({ limits: { calls: fixedCallLimit(2) } });
  const raw = await client(server);
  const unfinished = raw.open(BATCH, KEY);
  const { code, message: text } = await raw.open(GET, KEY).status;
  assert.deepEqual([code, text], [status.RESOURCE_EXHAUSTED, "too many calls are under way; nothing was stored"]);
  assert.equal(await server.rejected("overloaded"), 1);
  unfinished.stream.close();
  await eventually("the next call is answered", async () => {
    const next = raw.open(GET, KEY);
    next.stream.end(message);
    return (await next.status).code === status.OK;
  });
});

test("another app's call on the same connection is judged by that app's calls", async () => {
  const server = await serve({ limits: { calls: fixedCallLimit(2) } });
  const raw = await client(server);
  const unfinished = raw.open(BATCH, KEY);
  assert.equal((await raw.open(GET, KEY).status).code, status.RESOURCE_EXHAUSTED);
  const others = raw.open(GET, BANK_KEY);
  others.stream.end(message);
  assert.equal((await others.status).code, status.OK);
  unfinished.stream.close();
});

test("a call that ends while its caller is looked up takes no place", async () => {
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<undefined>();
  const lookups = [answered.promise];
  const server = await serve(
    { limits: { calls: fixedCallLimit(1) } },
    {
      lookup: () => {
        asked.resolve();
        return lookups.pop();
      },
    },
  );
  const raw = await client(server);
  const given = raw.open(BATCH, KEY);
  await asked.promise;
  given.stream.close();
  await once(given.stream, "close");
  // Answered after the call that the server has certainly seen closed.
  const between = raw.open(GET, KEY);
  between.stream.end(message);
  assert.equal((await between.status).code, status.OK);
  answered.resolve(undefined);
  await new Promise(setImmediate);
  const next = raw.open(GET, KEY);
  next.stream.end(message);
  assert.equal((await next.status).code, status.OK);
});

test("calls that anybody may make take no place of calls with a key", async () => {
  const server = await serve({ limits: { calls: fixedCallLimit(2) } });
  const watching = await Promise.all([client(server), client(server)]);
  for (const raw of watching) for (let i = 0; i < 4; i++) raw.open(WATCH).stream.end(framed(Buffer.alloc(0)));
  const known = (await client(server)).open(GET, KEY);
  known.stream.end(message);
  assert.equal((await known.status).code, status.OK);
  assert.equal(await server.rejected("overloaded"), 0);
});

test("a message in pieces of one byte is charged for its pieces", async () => {
  const server = await serve({ limits: { requestBytesMax: 1_000_000 } });
  using raw = await rawHttp2(server.port);
  raw.socket.write(raw.frame(FRAME.headers, END_HEADERS, 1, callHeaders(GET, KEY)));
  raw.socket.write(raw.frame(FRAME.data, 0, 1, framed(Buffer.alloc(100_000)).subarray(0, 5)));
  for (let i = 0; i < 5_000; i++) raw.socket.write(raw.frame(FRAME.data, 0, 1, Buffer.alloc(1)));
  await eventually("the call is rejected", async () => (await server.rejected("overloaded")) === 1);
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

  const held = Array.from({ length: 4 }, () => a.open(REFLECTION));
  for (const { stream } of held) stream.write(list);
  await Promise.all(held.map(({ stream }) => once(stream, "data")));
  assert.equal((await a.open(REFLECTION).status).code, status.RESOURCE_EXHAUSTED);
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
