import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { BANK_KEY, BATCH, batchOf, client, GET, KEY, MIB, message, serve } from "../../test/support/counting-server.ts";
import { eventually } from "../../test/support/eventually.ts";
import { type Charged, createRequestShares } from "./request-shares.ts";

interface Call extends Charged {
  name: string;
  receiving: boolean;
}
function world(bytesMax: number) {
  const rejected: string[] = [];
  const shares = createRequestShares(bytesMax);
  const call = (name: string, callerKey: string | undefined, bytes: number, receiving = true): Call => {
    const added = { name, callerKey, bytes: 0, receiving, giveWay: () => void rejected.push(name) };
    shares.add(added);
    shares.charge(added, bytes);
    return added;
  };
  return { rejected, shares, call };
}

test("a caller alone holds half, whether its requests are complete or not", () => {
  const { rejected, call } = world(100);
  call("a1", "a", 40, false);
  call("a2", "a", 10, false);
  assert.deepEqual(rejected, []);
  call("a3", "a", 1, false);
  assert.deepEqual(rejected, ["a3"]);
});

test("a caller beside one that holds its half of complete requests still gets a quarter", () => {
  const { rejected, call } = world(100);
  call("a1", "a", 50, false);
  call("b1", "b", 25);
  assert.deepEqual(rejected, []);
  call("b2", "b", 1);
  assert.deepEqual(rejected, ["b1"], "of its own the largest, not the newest");
});

test("of the caller that holds the most, the largest unfinished request gives way to another caller", () => {
  const { rejected, call } = world(100);
  call("a1", "a", 30);
  call("a2", "a", 20, false);
  call("b1", "b", 30);
  assert.deepEqual(rejected, ["a1"]);
});

test("a caller with little is untouched by a flood of another's", () => {
  const { rejected, call } = world(100);
  call("b1", "b", 10);
  for (let i = 0; i < 1_000; i++) call(`a${i}`, "a", 7, i % 2 === 0);
  assert.ok(rejected.length > 900);
  assert.ok(!rejected.includes("b1"));
});

test("a call that turns out to be a caller's counts for it, and what ended counts no more", () => {
  const { rejected, shares, call } = world(100);
  const waiting = call("a1", undefined, 30);
  shares.assign(waiting, "a");
  call("x1", undefined, 30);
  assert.deepEqual(rejected, []);
  assert.ok(shares.remove(waiting));
  assert.ok(!shares.remove(waiting));
  shares.charge(waiting, 1_000);
  call("a2", "a", 35);
  assert.deepEqual(rejected, []);
});

test("an app whose handlers hold complete requests does not shut out another app", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = await serve({ limits: { requestBytesMax: 16 * MIB } }, { until: promise });
  const greedy = await client(server);
  const other = await client(server);
  const calls = Array.from({ length: 8 }, () => {
    const call = greedy.open(BATCH, KEY);
    call.stream.end(batchOf(3 * MIB));
    return call.status;
  });
  await eventually(
    "two are handled, the others rejected",
    async () => server.seen.handled === 2 && (await server.rejected("overloaded")) === 6,
  );
  const others = [message, batchOf(3 * MIB)].map((body) => {
    const { stream, status: ended } = other.open(body === message ? GET : BATCH, BANK_KEY);
    stream.end(body);
    return ended;
  });
  await eventually("both of the other app are handled", () => server.seen.handled === 4);
  resolve();
  for (const { code } of await Promise.all(others)) assert.equal(code, status.OK);
  const codes = (await Promise.all(calls)).map(({ code }) => code);
  assert.deepEqual([codes.filter((c) => c === status.OK).length, codes.filter((c) => c === status.RESOURCE_EXHAUSTED).length], [2, 6]);
});
