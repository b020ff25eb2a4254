import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { BATCH, batchOf, GET, KEY, MIB, message, serve } from "../../test/support/counting-server.ts";
import { eventually } from "../../test/support/eventually.ts";
import { startFaultyLine } from "../../test/support/faulty-line.ts";
import { rawGrpc } from "../../test/support/raw-grpc.ts";

test("a large batch arrives in time over a line with a round trip of 80 ms, by the first call of a connection", async () => {
  const server = await serve();
  await using line = await startFaultyLine([{ host: "127.0.0.1", port: server.port }]);
  line.set({ kind: "latency", ms: 40 });
  await using raw = await rawGrpc(line.address);
  const { stream, status: ended } = raw.open(BATCH, KEY);
  stream.end(batchOf(Math.floor(9.8 * MIB)));
  assert.equal((await ended).code, status.OK);
  assert.equal(raw.session.remoteSettings.initialWindowSize, MIB);
  assert.ok(line.counts.delayedBytes > 9 * MIB, "the line delayed the batch");
});

test("a connection without an admitted call keeps HTTP/2's small windows", async () => {
  const server = await serve();
  await using raw = await rawGrpc(server.address);
  const rejected = raw.open(GET);
  rejected.stream.end(message);
  assert.equal((await rejected.status).code, status.UNAUTHENTICATED);
  assert.equal(raw.session.remoteSettings.initialWindowSize, 65_535);
});

test("what arrives before the caller is known is counted, and a rejected call keeps nothing", async () => {
  const slow = Promise.withResolvers<undefined>();
  const server = await serve({ limits: { requestBytesMax: MIB } }, { lookup: (key) => (key === "Bearer slow" ? slow.promise : undefined) });
  await using raw = await rawGrpc(server.address);
  const first = raw.open(GET, KEY);
  first.stream.end(message);
  assert.equal((await first.status).code, status.OK);
  if (raw.session.remoteSettings.initialWindowSize !== MIB) await once(raw.session, "remoteSettings");
  const waiting = [1, 2, 3].map(() => {
    const call = raw.open(BATCH, { authorization: "Bearer slow" });
    call.stream.write(batchOf(8 * MIB));
    return call;
  });
  // None of them is read: the caller is still unknown.
  await eventually("those beyond the ceiling are rejected", async () => (await server.rejected("overloaded")) >= 2);
  slow.resolve(undefined);
  for (const { status: ended } of waiting) assert.notEqual((await ended).code, status.OK);
});
