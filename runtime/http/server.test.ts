import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { after, test } from "node:test";
import { createLogger } from "../logger.ts";
import { createMetrics } from "../metrics.ts";
import { createBodySlots } from "./body-slots.ts";
import { createHttpRejections, type HttpRejection } from "./rejections.ts";
import { type HttpRequest, type HttpServerOptions, startHttpServer } from "./server.ts";

const lines: string[] = [];
const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

async function serve(options: Partial<HttpServerOptions> = {}): Promise<string> {
  const server = stack.use(await startHttpServer({ host: "127.0.0.1", port: 0, ready: () => true, log, drainMs: 100, ...options }));
  return `http://127.0.0.1:${server.port}`;
}
const get = async (url: string, init: RequestInit = {}) => {
  const response = await fetch(url, { ...init, headers: { connection: "close", ...init.headers } });
  return { status: response.status, body: await response.text(), headers: response.headers };
};

test("readiness follows the service; health does not", async () => {
  let ready = false;
  const url = await serve({ ready: () => ready });
  assert.equal((await get(`${url}/readyz`)).status, 503);
  assert.equal((await get(`${url}/healthz`)).status, 200);
  ready = true;
  assert.equal((await get(`${url}/readyz`)).status, 200);
  ready = false;
  assert.equal((await get(`${url}/readyz`)).status, 503);
});

test("/metrics prints the metrics in Prometheus's format", async () => {
  const metrics = createMetrics("relay");
  metrics.counter("carillon_relay_published_total", "Tasks published").inc(3);
  const url = await serve({ registry: metrics.registry });
  const { body, headers } = await get(`${url}/metrics`);
  assert.match(headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  assert.match(body, /^# HELP carillon_relay_published_total Tasks published$/m);
  assert.match(body, /^carillon_relay_published_total\{service="relay"\} 3$/m);
  assert.equal((await get(`${await serve()}/metrics`)).status, 404);
});

test("a route reads the body as it was sent, the query and the headers", async () => {
  const seen: HttpRequest[] = [];
  const handle = async (request: HttpRequest) => {
    seen.push(request);
    return { status: 202, body: "taken", headers: { "x-kind": "receipt" } };
  };
  const url = await serve({ routes: [{ method: "POST", path: "/webhooks/twilio", bodyBytesMax: 100, handle }] });
  const answer = await get(`${url}/webhooks/twilio?attempt=a%2F1`, { method: "POST", body: "a=1&b=%2B", headers: { "x-signature": "s" } });
  assert.deepEqual([answer.status, answer.body, answer.headers.get("x-kind")], [202, "taken", "receipt"]);
  const [request] = seen;
  assert.deepEqual([request?.path, request?.query.get("attempt"), request?.body.toString()], ["/webhooks/twilio", "a/1", "a=1&b=%2B"]);
  assert.equal(request?.headers["x-signature"], "s");
});

test("an unknown path is 404, and another method 405 with those allowed", async () => {
  const handle = async ({ path }: HttpRequest) => ({ status: 200, body: path });
  const url = await serve({ routes: [{ method: "GET", path: "/u/*", handle }] });
  assert.equal((await get(`${url}/u/token-1`)).body, "/u/token-1");
  for (const path of ["/u", "/u/", "/", "/healthz/x", "//healthz"]) assert.equal((await get(url + path)).status, 404, path);
  const rejected = await get(`${url}/u/token-1`, { method: "DELETE" });
  assert.deepEqual([rejected.status, rejected.headers.get("allow")], [405, "GET"]);
  const head = await get(`${url}/u/token-1`, { method: "HEAD" });
  assert.deepEqual([head.status, head.body], [200, ""]);
});

for (const framing of ["content-length", "chunked"] as const) {
  test(`a body over the limit is rejected unread, by ${framing}`, async () => {
    let handled = 0;
    const handle = async () => {
      handled++;
      return { status: 200 };
    };
    const url = await serve({ routes: [{ method: "POST", path: "/in", bodyBytesMax: 1_000, handle }] });
    const request = httpRequest(`${url}/in`, { method: "POST", agent: false });
    if (framing === "content-length") request.setHeader("content-length", 1_001);
    request.on("error", () => undefined);
    request.write(Buffer.alloc(1_001));
    const [response] = await once(request, "response");
    assert.equal(response.statusCode, 413);
    request.destroy();
    assert.equal((await get(`${url}/in`, { method: "POST", body: "x".repeat(1_000) })).status, 200);
    assert.equal(handled, 1);
  });
}

test("a route that throws is logged, without the query, and answers 500 without its text", async () => {
  const handle = async () => {
    throw new Error("the ledger is upside down");
  };
  const url = await serve({ routes: [{ method: "GET", path: "/boom", handle }] });
  const { status, body } = await get(`${url}/boom?token=hunter2`);
  assert.equal(status, 500);
  assert.ok(!body.includes("ledger"));
  const line = lines.find((l) => l.includes("the ledger is upside down"));
  assert.ok(line?.includes("/boom"));
  assert.ok(!line?.includes("hunter2"));
});

test("a route whose answer cannot be written ends its connection, not the server", async () => {
  const handle = async () => ({ status: 200, headers: { "x-bad": "a\nb" } });
  const url = await serve({ routes: [{ method: "GET", path: "/odd", handle }] });
  await assert.rejects(get(`${url}/odd`));
  assert.equal((await get(`${url}/healthz`)).status, 200);
});

test("a route that takes too long answers 503, and its signal aborts", async () => {
  const stopped = Promise.withResolvers<void>();
  const handle = ({ signal }: HttpRequest) => {
    signal.addEventListener("abort", () => stopped.resolve());
    return new Promise<never>(() => undefined);
  };
  const url = await serve({ handleMsMax: 10, routes: [{ method: "GET", path: "/slow", handle }] });
  assert.equal((await get(`${url}/slow`)).status, 503);
  await stopped.promise;
});

test("a caller that disconnects during a body affects no other request", async () => {
  const url = await serve({ routes: [{ method: "POST", path: "/in", bodyBytesMax: 100, handle: async () => ({ status: 200 }) }] });
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.write("POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf");
  await once(socket, "connect");
  socket.destroy();
  assert.equal((await get(`${url}/healthz`)).status, 200);
  assert.ok(!lines.some((l) => l.includes('"/in"')));
});

/** A connection that sends what it is told, and its answers. */
async function open(url: string, sent: string) {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  stack.defer(() => void socket.destroy());
  let answered = "";
  socket.setEncoding("latin1").on("data", (data) => {
    answered += data;
  });
  socket.on("error", () => undefined);
  const closed = once(socket, "close").then(() => answered);
  await once(socket, "connect");
  socket.write(sent);
  return { socket, closed };
}
const half = "POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf";
/** What is rejected, in order, and a wait for the next of its reason. */
function watched() {
  const seen: HttpRejection[] = [];
  const arrivals = new EventEmitter();
  const onRejected = (reason: HttpRejection) => {
    seen.push(reason);
    arrivals.emit(reason);
  };
  return { seen, onRejected, next: (reason: HttpRejection) => once(arrivals, reason) };
}

test("what a route rejects by its head is answered before the body, of which nothing is read", async () => {
  const { seen, onRejected } = watched();
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
  const { seen, onRejected } = watched();
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
  const { seen, onRejected } = watched();
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
    const { onRejected, next } = watched();
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
  const { seen, onRejected } = watched();
  const url = await serve({ onRejected });
  const large = await open(url, `GET /healthz HTTP/1.1\r\nhost: x\r\nx: ${"x".repeat(9_000)}\r\n\r\n`);
  assert.match(await large.closed, /^HTTP\/1.1 431 /);
  const other = await open(url, "\x16\x03\x01 a handshake\r\n\r\n");
  assert.match(await other.closed, /^HTTP\/1.1 400 /);
  assert.deepEqual(seen, ["head", "head"]);
});

test("requests sent all at once over one connection are bounded", async () => {
  const { onRejected, next } = watched();
  const url = await serve({ onRejected });
  const rejected = next("requests");
  const { socket, closed } = await open(url, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1_500));
  await rejected;
  socket.end();
  assert.ok([...(await closed).matchAll(/HTTP\/1.1 200 /g)].length <= 1_000);
});

test("callers that ask for the metrics together share one print", async () => {
  const metrics = createMetrics("relay");
  let prints = 0;
  metrics.gauge("carillon_printed_count", "how often", [], () => ++prints);
  const url = await serve({ registry: metrics.registry });
  const { socket, closed } = await open(url, "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n".repeat(50));
  socket.end();
  assert.equal([...(await closed).matchAll(/HTTP\/1.1 200 /g)].length, 50);
  assert.ok(prints < 10, `${prints} prints`);
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

test("a stopping server finishes requests in progress, and cuts those that take too long", async () => {
  const [began, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const handle = async () => {
    began.resolve();
    await go.promise;
    return { status: 200, body: "in time" };
  };
  const options = { host: "127.0.0.1", port: 0, ready: () => true, log };
  const patient = await startHttpServer({ ...options, drainMs: 5_000, routes: [{ method: "GET", path: "/slow", handle }] });
  // fetch keeps its connection: an idle connection must not delay the shutdown.
  const answer = fetch(`http://127.0.0.1:${patient.port}/slow`);
  await began.promise;
  const stopped = patient[Symbol.asyncDispose]();
  go.resolve();
  const finished = await answer;
  assert.deepEqual([await finished.text(), finished.headers.get("connection")], ["in time", "close"]);
  await stopped;

  const begun = Promise.withResolvers<void>();
  const never = () => {
    begun.resolve();
    return new Promise<never>(() => undefined);
  };
  const hasty = await startHttpServer({ ...options, drainMs: 1, routes: [{ method: "GET", path: "/slow", handle: never }] });
  const cut = assert.rejects(fetch(`http://127.0.0.1:${hasty.port}/slow`));
  await begun.promise;
  await hasty[Symbol.asyncDispose]();
  await cut;
});

test("a port in use is an error at start", async () => {
  const port = Number(new URL(await serve()).port);
  await assert.rejects(startHttpServer({ host: "127.0.0.1", port, ready: () => true, log }), { code: "EADDRINUSE" });
});
