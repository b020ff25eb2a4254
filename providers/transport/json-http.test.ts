import assert from "node:assert/strict";
import { test } from "node:test";
import { OK_ANSWER, startHangingServer } from "../../test/support/hanging-server.ts";
import { createJsonHttp } from "./json-http.ts";

const never = new AbortController().signal;
const summaryOf = (posted: Awaited<ReturnType<ReturnType<typeof createJsonHttp>["post"]>>) =>
  posted.kind === "answer"
    ? `answer ${posted.status}`
    : `${posted.outcome.kind} ${"fault" in posted.outcome ? posted.outcome.fault.code : ""}`;

test("a deadline after the request was written leaves the outcome open", async () => {
  await using server = await startHangingServer();
  await using api = createJsonHttp({ addressFilter: undefined, origin: server.origin("http"), ca: "" });
  const deadline = new AbortController();
  const posted = api.post("/send", {}, {}, deadline.signal);
  await server.received();
  deadline.abort();
  assert.equal(summaryOf(await posted), "unanswered deadline");
});

test("a deadline while waiting for a connection is known not to have sent, and is reported at once", async () => {
  await using server = await startHangingServer();
  await using api = createJsonHttp({ addressFilter: undefined, origin: server.origin("http"), ca: "", connectionsMax: 1 });
  const deadline = new AbortController();
  const first = api.post("/first", {}, {}, never);
  const second = api.post("/second", {}, {}, deadline.signal);
  const { socket } = await server.received();
  deadline.abort();
  assert.equal(summaryOf(await second), "unavailable deadline");
  socket.once("data", () => assert.fail("the request given up was written"));
  socket.write(OK_ANSWER);
  assert.equal(summaryOf(await first), "answer 200");
  const third = api.post("/third", {}, {}, never);
  const { socket: another, text } = await server.received();
  assert.match(text, /^POST \/third/);
  another.write(OK_ANSWER);
  assert.equal(summaryOf(await third), "answer 200");
});

test("a cut of a connection that a request waited for leaves the outcome open", async () => {
  await using server = await startHangingServer();
  await using api = createJsonHttp({ addressFilter: undefined, origin: server.origin("http"), ca: "", connectionsMax: 1 });
  const first = api.post("/first", {}, {}, never);
  const second = api.post("/second", {}, {}, never);
  const { socket } = await server.received();
  socket.once("data", () => socket.destroy());
  socket.write(OK_ANSWER);
  assert.equal(summaryOf(await first), "answer 200");
  assert.equal(summaryOf(await second), "unanswered reset");
});

test("a deadline during the handshake is known not to have sent", async () => {
  await using server = await startHangingServer();
  await using api = createJsonHttp({ addressFilter: undefined, origin: server.origin("https"), ca: "" });
  const deadline = new AbortController();
  const posted = api.post("/send", {}, {}, deadline.signal);
  await server.received();
  deadline.abort();
  assert.equal(summaryOf(await posted), "unavailable deadline");
});

test("a port without a listener is known not to have sent", async () => {
  const server = await startHangingServer();
  const origin = server.origin("http");
  await server[Symbol.asyncDispose]();
  await using api = createJsonHttp({ addressFilter: undefined, origin, ca: "" });
  assert.equal(summaryOf(await api.post("/send", {}, {}, never)), "unavailable refused");
});
