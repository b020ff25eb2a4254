import assert from "node:assert/strict";
import { test } from "node:test";
import { createFrameReader, FLAG, WINDOW_BYTES } from "./frames.ts";
import { createOutgoing } from "./outgoing.ts";

function fixture() {
  const sent: { stream: number; bytes: number; last: boolean }[] = [];
  const read = createFrameReader((_, flags, stream, payload) =>
    sent.push({ stream, bytes: payload.length, last: (flags & FLAG.endStream) !== 0 }),
  );
  const outgoing = createOutgoing(read);
  const bytesOf = (stream: number) => sent.filter((s) => s.stream === stream).reduce((sum, s) => sum + s.bytes, 0);
  return { outgoing, sent, bytesOf };
}

test("sends a body in frames that every peer accepts, the last one ending the stream", () => {
  const { outgoing, sent } = fixture();
  outgoing.send(1, Buffer.alloc(40_000));
  assert.deepEqual(
    sent.map((s) => [s.bytes, s.last]),
    [
      [16_384, false],
      [16_384, false],
      [7_232, true],
    ],
  );
});

test("waits for the connection's window, and for the stream's own", () => {
  const { outgoing, sent, bytesOf } = fixture();
  outgoing.send(1, Buffer.alloc(50_000));
  outgoing.send(3, Buffer.alloc(80_000));
  assert.deepEqual([bytesOf(1), bytesOf(3)], [50_000, WINDOW_BYTES - 50_000]);
  outgoing.grant(0, 1_000_000);
  assert.equal(bytesOf(3), WINDOW_BYTES, "its own window is used up");
  outgoing.grant(3, 5_000);
  outgoing.grant(1, 5_000);
  assert.equal(bytesOf(3), WINDOW_BYTES + 5_000);
  outgoing.startWindow(WINDOW_BYTES + 10_000);
  assert.equal(bytesOf(3), 80_000);
  assert.ok(sent.at(-1)?.last);
});

test("sends no more of a stream that has ended", () => {
  const { outgoing, bytesOf } = fixture();
  outgoing.send(1, Buffer.alloc(100_000));
  outgoing.drop(1);
  outgoing.grant(0, 100_000);
  outgoing.startWindow(100_000);
  assert.equal(bytesOf(1), WINDOW_BYTES);
});
