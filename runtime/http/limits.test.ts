// What the server rejects: slow, large and too many.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { test } from "node:test";
import { get, useHttpServers, watchRejections } from "../../test/support/http-servers.ts";
import { createMetrics } from "../metrics.ts";
import { createBodySlots } from "./body-slots.ts";
import { createHttpRejections } from "./rejections.ts";
import type { HttpRequest } from "./server.ts";

const { lines, log, serve, open } = useHttpServers();
const half = "POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf";

test("what a route rejects by its head is answered before the body, of which nothing is read", async () => {
  const { seen, onRejected } = watchRejections();
  let handled = 0;
  const handle = async () => {
    handled += 1;
    return { status: 200 };
  };
  const screen = () => ({ status: 401, rejected: "unsigned" as const });
  const url = await serve({ onRejected, routes: [{ method: "POST", path: "/in", bodyBytesMax: 1_000, screen, handle }] });
  const { closed } = await open(url, half);
  assert.match(await closed, /^HTTP\/1.1 401 [\s\S]*connection: close/i);
  assert.deepEqual([seen, handled], [["unsigned"], 0]);
});

test("the slowest body is evicted for the next", async () => {
  const { seen, onRejected } = watchRejections();
  const reading = new EventEmitter();
  const slots = createBodySlots({ bodiesMax: 1 });
  const bodySlots = {
    take(onEvicted: () => void) {
      reading.emit("taken");
      return slots.take(onEvicted);
    },
  };
  const handle = async ({ body }: HttpRequest) => ({ status: 200, body: body.toString() });
  const url = await serve({ onRejected, bodySlots, routes: [{ method: "POST", path: "/in", bodyBytesMax: 1_000, handle }] });
  const taken = once(reading, "taken");
  const { closed } = await open(url, half);
  await taken;
  assert.equal((await get(`${url}/in`, { method: "POST", body: "quick" })).body, "quick");
  assert.match(await closed, /^HTTP\/1.1 503 [\s\S]*retry-after: \d/i);
  assert.deepEqual(seen, ["body-slots"]);
});

test("a client that holds connections open loses the oldest, and others still connect", async () => {
  const { seen, onRejected } = watchRejections();
  const url = await serve({
    onRejected,
    connectionsMax: 2,
    routes: [{ method: "POST", path: "/in", bodyBytesMax: 1_000, handle: async () => ({ status: 200 }) }],
  });
  const first = await open(url, "GET /healthz HT");
  const second = await open(url, half);
  assert.equal((await get(`${url}/healthz`)).status, 200);
  assert.equal(await first.closed, "");
  assert.equal((await get(`${url}/healthz`)).status, 200);
  assert.ok(seen.length > 0 && seen.every((reason) => reason === "connections"), String(seen));
  second.socket.destroy();
});

test("a request that is being handled keeps its connection", async () => {
  const [began, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const handle = async () => {
    began.resolve();
    await go.promise;
    return { status: 200, body: "in time" };
  };
  const url = await serve({ connectionsMax: 1, routes: [{ method: "GET", path: "/slow", handle }] });
  const answer = get(`${url}/slow`);
  await began.promise;
  await assert.rejects(get(`${url}/healthz`), "there is no room");
  go.resolve();
  assert.equal((await answer).body, "in time");
});

for (const [what, sent] of [
  ["nothing", ""],
  ["half a head", "GET /healthz HT"],
  ["half a body", half],
] as const)
  test(`a connection that sends ${what} is closed after the time for a request`, async () => {
    const { onRejected, next } = watchRejections();
    const url = await serve({
      onRejected,
      requestMsMax: 50,
      routes: [{ method: "POST", path: "/in", bodyBytesMax: 1_000, handle: async () => ({ status: 200 }) }],
    });
    const rejected = next("timeout");
    const { closed } = await open(url, sent);
    await rejected;
    assert.match(await closed, /^HTTP\/1.1 408 /);
  });

test("a head that is too large, or no HTTP, is rejected", async () => {
  const { seen, onRejected } = watchRejections();
  const url = await serve({ onRejected });
  const large = await open(url, `GET /healthz HTTP/1.1\r\nhost: x\r\nx: ${"x".repeat(9_000)}\r\n\r\n`);
  assert.match(await large.closed, /^HTTP\/1.1 431 /);
  const other = await open(url, "\x16\x03\x01 a handshake\r\n\r\n");
  assert.match(await other.closed, /^HTTP\/1.1 400 /);
  assert.deepEqual(seen, ["head", "head"]);
});

test("of requests sent all at once over one connection a thousand are answered; then the server closes it", async () => {
  const { onRejected, next } = watchRejections();
  const url = await serve({ onRejected });
  const rejected = next("requests");
  const { closed } = await open(url, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1_500));
  await rejected;
  assert.deepEqual(
    [...(await closed).matchAll(/HTTP\/1.1 (\d+) /g)].map(([, status]) => status),
    Array(1_000).fill("200"),
  );
});

test("rejections are counted by listener and reason, and logged with the peer's address", async () => {
  const metrics = createMetrics("feedback");
  const rejections = createHttpRejections(metrics, log);
  const url = await serve({ onRejected: (reason, peer) => rejections("webhooks", reason, peer) });
  for (const path of ["/a", "/b"]) await get(url + path);
  assert.match(
    await metrics.registry.metrics(),
    /^carillon_http_rejections_total\{listener="webhooks",reason="path",service="feedback"\} 2$/m,
  );
  const logged = lines.filter((line) => line.includes("HTTP requests are rejected")).map((line) => JSON.parse(line));
  assert.deepEqual(
    logged.map(({ listener, reason, peer }) => [listener, reason, peer]),
    [["webhooks", "path", "127.0.0.1"]],
  );
});
