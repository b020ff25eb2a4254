import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { test } from "node:test";
import type SMTPConnection from "nodemailer/lib/smtp-connection";
import { classifyFailure } from "./classify.ts";
import { type Mail, messageStream, submit } from "./submit.ts";

interface Relay extends AsyncDisposable {
  port: number;
  /** Everything after DATA was answered. */
  body(): string;
}

interface Script {
  ehlo?: string;
  /** Undefined: the line is cut instead of an answer to DATA. */
  data?: string | undefined;
  /** Called with each piece of the message. */
  onBody(socket: Socket, body: string): void;
}

/** A plain relay over TCP that answers by the script. */
async function startRelay(script: Script): Promise<Relay> {
  const { ehlo = "250 relay", onBody } = script;
  const data = "data" in script ? script.data : "354 go on";
  let body = "";
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.write("220 relay\r\n");
    let isBody = false;
    socket.on("data", (bytes: Buffer) => {
      if (isBody) {
        body += bytes.toString("latin1");
        return onBody(socket, body);
      }
      const isData = /^DATA/im.test(bytes.toString("latin1"));
      if (isData && data === undefined) return socket.destroy();
      isBody = isData && data?.startsWith("354") === true;
      socket.write(isData ? `${data}\r\n` : `${/^EHLO/.test(bytes.toString("latin1")) ? ehlo : "250 ok"}\r\n`);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    body: () => body,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const mailOf = (message: Readable, over: Partial<Mail> = {}): Mail => ({
  envelope: { from: "a@example.org", to: "b@example.org", size: 10, use8BitMime: false },
  message,
  needsUtf8: false,
  ...over,
});
const submitting = (port: number) => ({
  options: { host: "127.0.0.1", port, ignoreTLS: true, socketCloseTimeout: 0, allowInternalNetworkInterfaces: true },
  auth: undefined,
  open: new Set<SMTPConnection>(),
});
/** Half a message: the rest never comes. */
const half = () => {
  const message = new Readable({ read: () => undefined });
  message.push("Subject: half\r\n\r\nfirst line\r\n");
  return message;
};

test("a line cut in answer to DATA: nothing was sent", async () => {
  await using relay = await startRelay({ data: undefined, onBody: () => undefined });
  const submitted = await submit(submitting(relay.port), mailOf(messageStream(Buffer.from("a"))), AbortSignal.timeout(10_000));
  assert.deepEqual(submitted.kind === "failed" && classifyFailure(submitted), { kind: "unavailable", fault: { code: "reset" } });
});

test("a negative answer to DATA: nothing was sent", async () => {
  await using relay = await startRelay({ data: "451 4.3.0 later", onBody: () => undefined });
  const submitted = await submit(submitting(relay.port), mailOf(messageStream(Buffer.from("a"))), AbortSignal.timeout(10_000));
  assert.deepEqual(submitted.kind === "failed" && classifyFailure(submitted), { kind: "unavailable", fault: { code: "relay-unwell" } });
  assert.equal(relay.body(), "");
});

test("a message over the size that the relay names is not sent", async () => {
  await using relay = await startRelay({ ehlo: "250-relay\r\n250 SIZE 9", onBody: () => undefined });
  const submitted = await submit(submitting(relay.port), mailOf(messageStream(Buffer.from("a"))), AbortSignal.timeout(10_000));
  assert.deepEqual(submitted.kind === "failed" && classifyFailure(submitted), { kind: "rejected", reason: "too-large" });
});

test("a line cut in the middle of the message: nothing was sent", async () => {
  await using relay = await startRelay({ onBody: (socket) => socket.destroy() });
  const submitted = await submit(submitting(relay.port), mailOf(half()), AbortSignal.timeout(10_000));
  assert.equal(submitted.kind === "failed" && submitted.dotWritten, false);
  assert.deepEqual(submitted.kind === "failed" && classifyFailure(submitted), { kind: "unavailable", fault: { code: "reset" } });
  assert.match(relay.body(), /first line/);
});

test("a deadline in the middle of the message: nothing was sent, and its dot never leaves", async () => {
  const left = new AbortController();
  await using relay = await startRelay({ onBody: () => left.abort() });
  const submitted = await submit(submitting(relay.port), mailOf(half()), left.signal);
  assert.deepEqual(submitted.kind === "failed" && classifyFailure(submitted), { kind: "unavailable", fault: { code: "deadline" } });
  assert.doesNotMatch(relay.body(), /^\.\r\n/m);
});

test("a line cut after the final dot: in doubt", async () => {
  await using relay = await startRelay({ onBody: (socket, body) => void (body.endsWith("\r\n.\r\n") && socket.destroy()) });
  const submitted = await submit(
    submitting(relay.port),
    mailOf(messageStream(Buffer.from("Subject: a\r\n\r\nb"))),
    AbortSignal.timeout(10_000),
  );
  assert.deepEqual(submitted.kind === "failed" && classifyFailure(submitted), { kind: "unanswered", fault: { code: "reset" } });
});

test("no reply to the final dot that can be read: in doubt", async () => {
  await using relay = await startRelay({ onBody: (socket, body) => void (body.endsWith("\r\n.\r\n") && socket.write("hello\r\n")) });
  const submitted = await submit(
    submitting(relay.port),
    mailOf(messageStream(Buffer.from("Subject: a\r\n\r\nb"))),
    AbortSignal.timeout(10_000),
  );
  assert.deepEqual(submitted.kind === "failed" && classifyFailure(submitted), { kind: "unanswered", fault: { code: "bad-response" } });
});

test("an address that needs SMTPUTF8 is not sent to a relay without it", async () => {
  await using relay = await startRelay({ onBody: () => undefined });
  const mail = mailOf(messageStream(Buffer.from("a")), { needsUtf8: true });
  assert.equal((await submit(submitting(relay.port), mail, AbortSignal.timeout(10_000))).kind, "not-utf8");
  assert.equal(relay.body(), "");
});
