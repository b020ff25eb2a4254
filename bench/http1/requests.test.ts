import assert from "node:assert/strict";
import { test } from "node:test";
import { createRequestReader } from "./requests.ts";

const bytes = Buffer.from(
  "POST /a/b?c=1 HTTP/1.1\r\nhost: x\r\nContent-Length: 5\r\n\r\nhelloGET /d HTTP/1.1\r\nhost: x\r\n\r\nPOST /e HTTP/1.1\r\ncontent-length:0\r\n\r\n",
);

test("reads requests however the bytes arrive", () => {
  for (const size of [1, 7, 60, bytes.length]) {
    const read: [string, string, string, string][] = [];
    const reader = createRequestReader(({ method, path, headers, body }) => read.push([method, path, headers, body.toString()]));
    for (let at = 0; at < bytes.length; at += size) reader(bytes.subarray(at, at + size));
    assert.deepEqual(read, [
      ["POST", "/a/b?c=1", "host: x\r\nContent-Length: 5", "hello"],
      ["GET", "/d", "host: x", ""],
      ["POST", "/e", "content-length:0", ""],
    ]);
  }
});
