import assert from "node:assert/strict";
import { once } from "node:events";
import { constants } from "node:http2";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { test } from "node:test";
import { eventually } from "../../test/support/eventually.ts";
import { type Arrived, answer, open, send, sendAll, startServer } from "../../test/support/http2-server.ts";

test("one connection carries as many calls as the server lets it, in the order of the calls, and the rest follow as others end", async () => {
  await using server = await startServer(3);
  using calls = open(server.origin);
  const results = Promise.all(sendAll(calls, 8));
  for (let begun = 3; begun <= 8; begun++) {
    await eventually("begun", () => server.arrived.length === begun);
    assert.equal(server.arrived.filter(({ stream }) => !stream.closed).length, 3);
    if (begun < 8) answer(server.arrived[begun - 3]!);
  }
  for (const call of server.arrived.slice(5)) answer(call);
  assert.deepEqual(await results, Array(8).fill("200"));
  assert.deepEqual(server.names(), ["0", "1", "2", "3", "4", "5", "6", "7"]);
  assert.equal(server.sessions.length, 1);
});

test("our own limit holds where the server's is higher, and a limit that the server raises is used", async () => {
  await using server = await startServer(1);
  using calls = open(server.origin, { streamsMax: 4 });
  const results = Promise.all(sendAll(calls, 6));
  await eventually("one has begun", () => server.arrived.length === 1);
  server.sessions[0]!.settings({ maxConcurrentStreams: 100 });
  await eventually("four have begun", () => server.arrived.length === 4);
  answer(server.arrived[0]!);
  await eventually("five have begun", () => server.arrived.length === 5);
  for (const call of server.arrived.slice(1)) answer(call);
  await eventually("six have begun", () => server.arrived.length === 6);
  answer(server.arrived[5]!);
  assert.deepEqual(await results, Array(6).fill("200"));
});

test("a call that waits for room ends at its deadline unsent, and its turn goes to the next", async () => {
  await using server = await startServer(1);
  using calls = open(server.origin);
  const first = send(calls, "first");
  const deadline = new AbortController();
  const [late, next] = [send(calls, "late", deadline.signal), send(calls, "next")];
  await eventually("the first has begun", () => server.arrived.length === 1);
  deadline.abort();
  assert.equal(await late, "unavailable deadline");
  answer(server.arrived[0]!);
  await eventually("the next has begun", () => server.arrived.length === 2);
  answer(server.arrived[1]!);
  assert.deepEqual(await Promise.all([first, next]), ["200", "200"]);
  assert.deepEqual(server.names(), ["first", "next"]);
});

test("a call that ends at its deadline unanswered leaves its room to the next", async () => {
  await using server = await startServer(1);
  using calls = open(server.origin);
  const deadline = new AbortController();
  const late = send(calls, "late", deadline.signal);
  await eventually("it has begun", () => server.arrived.length === 1);
  const next = send(calls, "next");
  deadline.abort();
  assert.equal(await late, "unanswered deadline");
  await eventually("the next has begun", () => server.arrived.length === 2);
  answer(server.arrived[1]!);
  assert.equal(await next, "200");
  assert.equal(server.sessions.length, 1);
});

test("what may not begin any more when its turn comes is not sent", async () => {
  await using server = await startServer(1);
  using calls = open(server.origin);
  const first = send(calls, "first");
  let may = true;
  const second = send(calls, "second", undefined, () => may);
  await eventually("the first has begun", () => server.arrived.length === 1);
  may = false;
  answer(server.arrived[0]!);
  assert.deepEqual(await Promise.all([first, second]), ["200", "unavailable deadline"]);
  assert.deepEqual(server.names(), ["first"]);
});

test("after a GOAWAY the calls that it covers are answered, and the others are repeated on another connection", async () => {
  await using server = await startServer(10);
  using calls = open(server.origin);
  const results = Promise.all(sendAll(calls, 4));
  await eventually("all have begun", () => server.arrived.length === 4);
  const [first] = server.arrived;
  first!.session.goaway(constants.NGHTTP2_NO_ERROR, first!.stream.id! + 2);
  await eventually("two are repeated", () => server.arrived.length === 6);
  for (const call of [...server.arrived.slice(0, 2), ...server.arrived.slice(4)]) answer(call);
  assert.deepEqual(await results, Array(4).fill("200"));
  assert.deepEqual(server.names().sort(), ["0", "1", "2", "2", "3", "3"]);
  assert.equal(server.sessions.length, 2);
});

test("a call that the server may have processed before it closed the connection with an error is not repeated, whatever the error says", async () => {
  for (const code of [constants.NGHTTP2_REFUSED_STREAM, constants.NGHTTP2_INTERNAL_ERROR]) {
    await using server = await startServer(10);
    using calls = open(server.origin);
    let outcome = "";
    void send(calls, "once").then((text) => {
      outcome = text;
    });
    await eventually("begun", () => server.arrived.length === 1);
    const [{ session, stream }] = server.arrived as [Arrived];
    session.goaway(code, stream.id!);
    await eventually("settled or repeated", () => outcome !== "" || server.arrived.length > 1);
    assert.match(outcome, /^unanswered (http2|reset)$/);
    // Whatever was repeated would have arrived before this one.
    const next = send(calls, "next");
    await eventually("the next has begun", () => server.names().includes("next"));
    answer(server.arrived.at(-1)!);
    assert.equal(await next, "200");
    assert.deepEqual(server.names(), ["once", "next"]);
  }
});

test("a connection that no call uses is closed, and the next call makes another one", async () => {
  await using server = await startServer(10);
  using calls = open(server.origin, { idleMs: 50 });
  for (const count of [1, 2]) {
    const sent = send(calls, `${count}`);
    await eventually("begun", () => server.arrived.length === count);
    answer(server.arrived.at(-1)!);
    assert.equal(await sent, "200");
    await eventually("closed", () => server.sessions.length === count && server.sessions.every((session) => session.closed));
  }
});

test("a connection is not idle while a call waits for its answer", async () => {
  await using server = await startServer(10);
  using calls = open(server.origin, { idleMs: 25 });
  const slow = send(calls, "slow");
  await eventually("begun", () => server.arrived.length === 1);
  // Far more than the idle time passes, by the same clock.
  const until = performance.now() + 50;
  await eventually("time has passed", () => performance.now() > until);
  answer(server.arrived[0]!);
  assert.equal(await slow, "200");
});

test("disposal closes the connections that take no calls any more, too", async () => {
  await using server = await startServer(10);
  const calls = open(server.origin);
  const first = send(calls, "first");
  await eventually("begun", () => server.arrived.length === 1);
  server.sessions[0]!.goaway(constants.NGHTTP2_NO_ERROR, server.arrived[0]!.stream.id!);
  const second = send(calls, "second");
  await eventually("begun on another connection", () => server.sessions.length === 2 && server.arrived.length >= 2);
  calls[Symbol.dispose]();
  for (const cut of [await first, await second]) assert.match(cut, /^unanswered (http2|reset)$/);
  await eventually("both are closed", () => server.sessions.every((session) => session.destroyed));
});

test("a refused stream is repeated once, any other reset is not", async () => {
  await using server = await startServer(10);
  using calls = open(server.origin);
  const reset = (i: number, code: number) => server.arrived[i]!.stream.close(code);
  const refused = send(calls, "refused");
  await eventually("begun", () => server.arrived.length === 1);
  reset(0, constants.NGHTTP2_REFUSED_STREAM);
  await eventually("repeated", () => server.arrived.length === 2);
  reset(1, constants.NGHTTP2_REFUSED_STREAM);
  assert.equal(await refused, "unavailable refused-stream");
  for (const [i, code] of [constants.NGHTTP2_INTERNAL_ERROR, constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR].entries()) {
    const cut = send(calls, `cut-${i}`);
    await eventually("begun", () => server.arrived.length === 3 + i);
    reset(2 + i, code);
    assert.match(await cut, /^unanswered (http2|reset)$/);
  }
  assert.deepEqual(server.names(), ["refused", "refused", "cut-0", "cut-1", "cut-2"]);
});

test("when the connection breaks, begun calls are unanswered, and waiting ones are sent on the next", async () => {
  await using server = await startServer(2);
  using calls = open(server.origin);
  const results = Promise.all(sendAll(calls, 4));
  await eventually("two have begun", () => server.arrived.length === 2);
  server.sessions[0]!.destroy();
  await eventually("the others have begun", () => server.arrived.length === 4);
  for (const call of server.arrived.slice(2)) answer(call);
  const [first, second, ...rest] = await results;
  assert.match(`${first} ${second}`, /^unanswered (http2|reset) unanswered (http2|reset)$/);
  assert.deepEqual(rest, ["200", "200"]);
});

/** Forwards to a server; `hush` stops everything on the connections that exist, as a router does that has forgotten them. */
async function startProxy(origin: string) {
  const sockets: Socket[] = [];
  const keep = (socket: Socket) => {
    sockets.push(socket.on("error", () => undefined));
    return socket;
  };
  const proxy: Server = createServer((client) => {
    const upstream = keep(connect(Number(new URL(origin).port), "127.0.0.1"));
    keep(client).pipe(upstream).pipe(client);
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    origin: `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    hush() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await once(proxy, "close");
    },
  };
}

test("a connection that is dead without being closed is left for another, long before its calls' deadline", async () => {
  await using server = await startServer(10);
  await using proxy = await startProxy(server.origin);
  using calls = open(proxy.origin, { deadlineMs: 400 });
  const first = send(calls, "first");
  await eventually("begun", () => server.arrived.length === 1);
  answer(server.arrived[0]!);
  assert.equal(await first, "200");
  proxy.hush();
  // These have no deadline of their own here: they stay on the dead connection.
  const deadline = new AbortController();
  const lost = Promise.all([1, 2].map((i) => send(calls, `lost-${i}`, deadline.signal)));
  await eventually("a call arrives on another connection", async () => {
    void send(calls, "later", deadline.signal);
    await new Promise((resolve) => setTimeout(resolve, 20));
    return server.sessions.length === 2 && server.arrived.length > 1;
  });
  assert.deepEqual([...new Set(server.names().slice(1))], ["later"]);
  deadline.abort();
  assert.deepEqual(await lost, ["unanswered deadline", "unanswered deadline"]);
});

test("a connection on which the server only answers pings stays in use", async () => {
  await using server = await startServer(10);
  using calls = open(server.origin, { deadlineMs: 100 });
  const slow = send(calls, "slow");
  let pings = 0;
  await eventually("begun", () => server.arrived.length === 1);
  server.sessions[0]!.on("ping", () => {
    pings++;
  });
  await eventually("asked three times whether it lives", () => pings >= 3);
  const next = send(calls, "next");
  await eventually("the next has begun", () => server.arrived.length === 2);
  for (const call of server.arrived) answer(call);
  assert.deepEqual(await Promise.all([slow, next]), ["200", "200"]);
  assert.equal(server.sessions.length, 1);
});

test("calls that wait when no connection can be made fail unsent, and later ones try again", async () => {
  const server = await startServer(10);
  const { origin } = server;
  await server[Symbol.asyncDispose]();
  using calls = open(origin);
  for (let i = 0; i < 2; i++) assert.deepEqual(await Promise.all(sendAll(calls, 3)), Array(3).fill("unavailable refused"));
});

test("a server that closes each connection before a call can begin is not dialled again for the same calls", async () => {
  let connections = 0;
  await using server = await startServer(0);
  await using proxy = await startProxy(server.origin);
  using calls = open(proxy.origin);
  const results = Promise.all(sendAll(calls, 3));
  await eventually("connected", () => server.sessions.length === 1);
  connections = server.sessions.length;
  server.sessions[0]!.destroy();
  assert.deepEqual(await results, Array(3).fill("unavailable reset"));
  assert.equal(server.sessions.length, connections);
});
