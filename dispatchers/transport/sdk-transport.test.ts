import assert from "node:assert/strict";
import { test } from "node:test";
import { OK_ANSWER, startHangingServer } from "../../test/support/hanging-server.ts";
import { createSdkTransport, type Exchange, type SdkTransport } from "./sdk-transport.ts";

const never = new AbortController().signal;

/** What an SDK does: one POST, resolved with the status or rejected with the error. */
const post = (transport: SdkTransport, origin: string, path: string) => () =>
  new Promise<number | undefined>((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    const request = transport.axios.request({ hostname, port, path, method: "POST" }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode));
    });
    request.once("error", reject);
    request.end("{}");
  });

const said = (exchange: Exchange<unknown>) => `${exchange.kind} ${exchange.seen.written ? "written" : "unwritten"} ${exchange.seen.status}`;

test("a deadline after the request was written says so", async () => {
  await using server = await startHangingServer();
  const origin = server.origin("http");
  using transport = createSdkTransport({ origin, ca: "" });
  const deadline = new AbortController();
  const exchange = transport.exchange(deadline.signal, post(transport, origin, "/send"));
  const { socket } = await server.heard();
  const closed = new Promise((resolve) => socket.once("close", resolve));
  deadline.abort();
  assert.equal(said(await exchange), "threw written undefined");
  await closed;
});

test("a deadline while waiting for a connection finds nothing written, and nothing is later", async () => {
  await using server = await startHangingServer();
  const origin = server.origin("http");
  using transport = createSdkTransport({ origin, ca: "", connectionsMax: 1 });
  const deadline = new AbortController();
  const first = transport.exchange(never, post(transport, origin, "/first"));
  const second = transport.exchange(deadline.signal, post(transport, origin, "/second"));
  const { socket } = await server.heard();
  deadline.abort();
  assert.equal(said(await second), "threw unwritten undefined");
  const third = transport.exchange(never, post(transport, origin, "/third"));
  socket.once("data", (bytes: Buffer) => {
    assert.match(bytes.toString(), /^POST \/third/);
    socket.write(OK_ANSWER);
  });
  socket.write(OK_ANSWER);
  assert.equal(said(await first), "returned written 200");
  assert.equal(said(await third), "returned written 200");
});

test("a cut on a connection that was waited for counts as written", async () => {
  await using server = await startHangingServer();
  const origin = server.origin("http");
  using transport = createSdkTransport({ origin, ca: "", connectionsMax: 1 });
  const first = transport.exchange(never, post(transport, origin, "/first"));
  const second = transport.exchange(never, post(transport, origin, "/second"));
  const { socket } = await server.heard();
  socket.once("data", () => socket.destroy());
  socket.write(OK_ANSWER);
  assert.equal(said(await first), "returned written 200");
  assert.equal(said(await second), "threw written undefined");
});

test("a deadline during the handshake finds nothing written", async () => {
  await using server = await startHangingServer();
  const origin = server.origin("https");
  using transport = createSdkTransport({ origin, ca: "" });
  const deadline = new AbortController();
  const exchange = transport.exchange(deadline.signal, post(transport, origin, "/send"));
  await server.heard();
  deadline.abort();
  assert.equal(said(await exchange), "threw unwritten undefined");
});

test("a call made after its deadline makes no request", async () => {
  await using server = await startHangingServer();
  const origin = server.origin("http");
  using transport = createSdkTransport({ origin, ca: "" });
  let ran = false;
  const exchange = await transport.exchange(AbortSignal.abort(), async () => {
    ran = true;
  });
  assert.equal(said(exchange), "threw unwritten undefined");
  assert.equal(ran, false);
});
