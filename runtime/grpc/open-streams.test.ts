import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { client, GET, KEY, message, serve } from "../../test/support/counting-server.ts";
import { framed, type RawGrpc } from "../../test/support/raw-grpc.ts";

const REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const { Check: check, Watch: watch } = healthService as unknown as Record<"Check" | "Watch", { path: string }>;
const list = framed(Buffer.from([0x3a, 0x01, 0x2a]));
const noName = framed(Buffer.alloc(0));

const opened = async (raw: RawGrpc, path: string) => {
  const call = raw.open(path);
  call.stream.write(path === REFLECTION ? list : noName);
  if (path !== REFLECTION) call.stream.end();
  await once(call.stream, "data");
  return call;
};
const ask = async (raw: RawGrpc) => {
  const { stream, status: ended } = raw.open(check.path);
  stream.end(noName);
  return (await ended).code;
};

test("a stranger's watches and reflections take none from anybody else", async () => {
  const server = await serve();
  const stranger = await client(server);
  for (let i = 0; i < 4; i++) await opened(stranger, watch.path);
  const more = stranger.open(watch.path);
  more.stream.end(noName);
  const { code, message: text } = await more.status;
  assert.deepEqual([code, text], [status.RESOURCE_EXHAUSTED, "4 streams of health and reflection are open on this connection"]);
  assert.equal(await server.rejected("stream-limit"), 1);
  const other = await client(server);
  await opened(other, watch.path);
  await opened(other, REFLECTION);
});

test("at a hundred reflections the oldest one of a stranger makes room, and never one of a known caller", async () => {
  const server = await serve();
  const known = await client(server);
  const call = known.open(GET, KEY);
  call.stream.end(message);
  assert.equal((await call.status).code, status.OK);
  const kept = await opened(known, REFLECTION);
  const strangers = await Promise.all(Array.from({ length: 25 }, () => client(server)));
  const held = [];
  for (let i = 0; i < 99; i++) held.push(await opened(strangers[i % 25]!, REFLECTION));
  const next = await opened(await client(server), REFLECTION);
  const { code, message: text } = await held[0]!.status;
  assert.deepEqual([code, text], [status.RESOURCE_EXHAUSTED, "the stream made room for a newer one"]);
  for (const { stream } of [kept, next, ...held.slice(1)]) assert.equal(stream.closed, false);
});

test("health and reflection without a key are answered twenty times a second on a connection; then it is closed", async () => {
  const server = await serve();
  const raw = await client(server);
  const codes = await Promise.all(Array.from({ length: 30 }, () => ask(raw)));
  assert.equal(codes.filter((code) => code === status.OK).length, 20);
  if (!raw.session.closed) await once(raw.session, "close");
  assert.equal(await server.rejected("wasted-calls"), 1);
  assert.equal(await ask(await client(server)), status.OK);
});

test("a connection with a key may ask for health more often", async () => {
  const server = await serve();
  const raw = await client(server);
  const call = raw.open(GET, KEY);
  call.stream.end(message);
  assert.equal((await call.status).code, status.OK);
  for (const code of await Promise.all(Array.from({ length: 60 }, () => ask(raw)))) assert.equal(code, status.OK);
});
