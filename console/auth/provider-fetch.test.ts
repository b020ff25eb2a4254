import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { after, test } from "node:test";
import { close, listen } from "../../runtime/http/listen.ts";
import { ISSUER_BYTES_MAX, providerFetch } from "./provider-fetch.ts";

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  stack.defer(() => close(server, 0));
  return `http://127.0.0.1:${await listen(server, { host: "127.0.0.1", port: 0 })}/`;
}
const get = (url: string, signal?: AbortSignal) =>
  providerFetch(url, { method: "GET", headers: {}, body: undefined, redirect: "manual", signal });

test("an answer is read up to its bound, and no further", async () => {
  const url = await serve((_, response) => response.end(Buffer.alloc(ISSUER_BYTES_MAX)));
  assert.equal((await (await get(url)).arrayBuffer()).byteLength, ISSUER_BYTES_MAX);
  const tooLong = await serve((_, response) => {
    const more = () => !response.destroyed && response.write(Buffer.alloc(65_536), more);
    more();
  });
  await assert.rejects(get(tooLong), /more than 262144 bytes/);
});

test("a redirect is not followed, so an issuer cannot send us to another host", async () => {
  let asked = 0;
  const inner = await serve((_, response) => {
    asked += 1;
    response.end();
  });
  const url = await serve((_, response) => response.writeHead(302, { location: inner }).end());
  assert.equal((await get(url)).status, 302);
  assert.equal(asked, 0);
});

test("an answer that stops half way ends with the deadline", async () => {
  const deadline = new AbortController();
  const url = await serve((_, response) => {
    response.write("{", () => deadline.abort());
  });
  await assert.rejects(get(url, deadline.signal), { name: "AbortError" });
});
