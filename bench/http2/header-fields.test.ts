import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { createFrameReader, FLAG, FRAME, frame, PREFACE, SETTING, settingsFrame } from "./frames.ts";
import { repeatedHeaders } from "./header-block.ts";
import { readHeaderFields } from "./header-fields.ts";

test("reads the RFC's example of a Huffman text", () => {
  // C.4.1, with the last field as a literal without indexing.
  assert.deepEqual([...readHeaderFields(Buffer.from("828684018cf1e3c2e5f23a6ba0ab90f4ff", "hex"))].at(-1), ["#1", "www.example.com"]);
});

test("rejects entries of a table that nobody keeps, and blocks that are cut off", () => {
  assert.throws(() => readHeaderFields(Buffer.of(0xbe)), /entry 62/);
  assert.throws(() => readHeaderFields(Buffer.from("828684018cf1e3", "hex")), /ends within a text/);
});

test("reads what node:http2 writes, every printable character", async () => {
  const printable = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => 32 + i)).trim();
  const server = createServer().listen(0, "127.0.0.1");
  server.on("stream", (stream) => stream.respond({ ":status": 200, "x-all": printable, "x-long": "ab1".repeat(300) }, { endStream: true }));
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const { promise: block, resolve } = Promise.withResolvers<Buffer>();
  socket.on(
    "data",
    createFrameReader((type, _, __, payload) => {
      if (type === FRAME.headers) resolve(Buffer.from(payload));
    }),
  );
  const request = repeatedHeaders([
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "a"],
  ]);
  socket.write(PREFACE);
  socket.write(settingsFrame([[SETTING.headerTableSize, 0]]));
  socket.write(frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, request.first));
  const fields = readHeaderFields(await block);
  socket.destroy();
  server.close();
  assert.equal(fields.get("x-all"), printable);
  assert.equal(fields.get("x-long"), "ab1".repeat(300));
});
