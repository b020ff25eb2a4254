import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createFrameReader,
  createFrameWriter,
  FLAG,
  FRAME,
  frame,
  readSettings,
  SETTING,
  settingsFrame,
  windowUpdateFrame,
} from "./frames.ts";
import { repeatedHeaders } from "./header-block.ts";

test("reads frames back, however the bytes arrive", () => {
  const bytes = Buffer.concat([
    settingsFrame([[SETTING.initialWindowSize, 70_000]]),
    frame(FRAME.data, FLAG.endStream, 5, Buffer.from("hello")),
    frame(FRAME.ping, 0, 0, Buffer.alloc(8)),
    windowUpdateFrame(5, 300),
  ]);
  for (const size of [1, 7, 9, 10, bytes.length]) {
    const read: [number, number, number, string][] = [];
    const reader = createFrameReader((type, flags, stream, payload) => read.push([type, flags, stream, payload.toString("hex")]));
    for (let at = 0; at < bytes.length; at += size) reader(bytes.subarray(at, at + size));
    assert.deepEqual(read, [
      [4, 0, 0, "000400011170"],
      [0, 1, 5, "68656c6c6f"],
      [6, 0, 0, "0000000000000000"],
      [8, 0, 5, "0000012c"],
    ]);
  }
  assert.deepEqual(
    [...readSettings(Buffer.from("000400011170000300000064", "hex"))],
    [
      [4, 70_000],
      [3, 100],
    ],
  );
});

test("writes frames that are added together at once", async () => {
  const written: string[] = [];
  const write = createFrameWriter((bytes) => written.push(bytes.toString()));
  write(Buffer.from("a"));
  write(Buffer.from("b"));
  await Promise.resolve();
  write(Buffer.from("c"));
  await Promise.resolve();
  assert.deepEqual(written, ["ab", "c"]);
});

test("later header blocks refer to the table entries of the first one's literals", () => {
  const { first, later, laterWith } = repeatedHeaders([
    ["a", "1"],
    ["bc", "23"],
  ]);
  assert.equal(first.toString("hex"), "4001610131" + "40026263023233");
  assert.equal(later.toString("hex"), "bfbe");
  assert.equal(laterWith("a", "z").toString("hex"), "be" + "0f30017a");
  assert.throws(() => laterWith("d", "1"), /no header is called d/);
  assert.throws(() => repeatedHeaders([["a", "x".repeat(127)]]), /127 bytes; at most 126/);
});
