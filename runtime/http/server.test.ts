// What the server answers, and how it ends.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { get, useHttpServers } from "../../test/support/http-servers.ts";
import { createMetrics } from "../metrics.ts";
import { type HttpRequest, startHttpServer } from "./server.ts";

const { lines, log, serve, open } = useHttpServers();

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

test("/readyz?verbose says each condition in words, and answers as /readyz does", async () => {
  const conditions = () => [
    { name: "store", holds: true, words: "answered 3 s ago" },
    { name: "NATS", holds: false, words: "not connected" },
  ];
  const url = await serve({ ready: () => true, conditions });
  const { status, body } = await get(`${url}/readyz?verbose`);
  assert.deepEqual([status, body], [200, "[+] store: answered 3 s ago\n[-] NATS: not connected\nready\n"]);
  assert.equal((await get(`${url}/readyz`)).body, "ready\n");
  const outside = await serve({ ready: () => false });
  assert.equal((await get(`${outside}/readyz?verbose`)).body, "not ready\n");
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

test("a route that throws is logged by its pattern, without what was asked, and answers 500 without its text", async () => {
  const handle = async () => {
    throw new Error("the ledger is upside down");
  };
  const url = await serve({ routes: [{ method: "GET", path: "/boom/*", handle }] });
  const { status, body } = await get(`${url}/boom/hunter2?token=hunter3`);
  assert.equal(status, 500);
  assert.ok(!body.includes("ledger"));
  const line = lines.find((l) => l.includes("the ledger is upside down"));
  assert.ok(line?.includes('"/boom/*"'));
  assert.doesNotMatch(line ?? "", /hunter/);
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
