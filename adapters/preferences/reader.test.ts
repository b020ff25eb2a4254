import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { StoreError } from "../store/store-error.ts";
import { createReader, READ_LIFE_MS } from "./reader.ts";

function setUp() {
  const clock = createFakeClock();
  const stored = new Map([
    ["shop ada", "1"],
    ["bank ada", "2"],
  ]);
  const reads: (readonly [app: string, keys: readonly string[]])[] = [];
  const server = { isDown: false, slowMs: 0 };
  const read = createReader<string>(async (app, keys) => {
    reads.push([app, keys]);
    clock.advance(server.slowMs);
    if (server.isDown) throw new StoreError("down");
    return keys.flatMap((key) => (stored.has(`${app} ${key}`) ? [[key, stored.get(`${app} ${key}`)!] as const] : []));
  }, clock);
  return { clock, stored, reads, read, server };
}

test("what is asked for in one turn is one read for each app, and of one key one question", async () => {
  const { read, reads } = setUp();
  const asked = [read("shop", "ada"), read("shop", "bob"), read("bank", "ada"), read("shop", "ada"), read("shop", "cleo")];
  assert.deepEqual(await Promise.all(asked), ["1", undefined, "2", "1", undefined]);
  assert.deepEqual(reads, [
    ["shop", ["ada", "bob", "cleo"]],
    ["bank", ["ada"]],
  ]);
});

test("what was read is used for a while, also that there is nothing, and a change is seen then", async () => {
  const { read, reads, clock, stored } = setUp();
  await Promise.all([read("shop", "ada"), read("shop", "bob")]);
  stored.set("shop bob", "3");
  clock.advance(READ_LIFE_MS);
  assert.deepEqual([await read("shop", "ada"), await read("shop", "bob"), reads.length], ["1", undefined, 1]);
  clock.advance(1);
  assert.deepEqual([await read("shop", "bob"), reads.length], ["3", 2]);
});

test("what cannot be read, or not in time, is an error, and the next question reads again", async () => {
  const { read, server } = setUp();
  server.isDown = true;
  await assert.rejects(read("shop", "ada"), StoreError);
  Object.assign(server, { isDown: false, slowMs: 2_001 });
  await assert.rejects(read("shop", "ada"), StoreError);
  server.slowMs = 2_000;
  assert.equal(await read("shop", "ada"), "1");
});
