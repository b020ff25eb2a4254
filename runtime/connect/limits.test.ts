// What the HTTP/JSON port rejects before it does any work, and how it ends.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";
import { createAuthority, mountSecret, type Pair } from "../../test/support/certificates.ts";
import { KEY, SERVICE, useConnectServers } from "../../test/support/connect-servers.ts";
import { eventually } from "../../test/support/eventually.ts";
import { useHttpServers } from "../../test/support/http-servers.ts";
import { fixedCallLimit } from "../grpc/call-limit.ts";
import { MESSAGE_BYTES_MAX } from "../grpc/limits.ts";
import { watchCertificates } from "../tls/grpc-tls.ts";
import type { ReadingTurns } from "./reading-turns.ts";
import { BODY_BYTES_MAX } from "./receive.ts";

const { serve, stack, log } = useConnectServers();
const { open } = useHttpServers();
const ID = "a".repeat(32);
const head = (headers: string) =>
  `POST ${SERVICE}/SendNotification HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${headers}\r\n\r\n`;
const authorized = `authorization: ${KEY}`;

test("who calls is decided before the body is read", async () => {
  const { url, seen } = await serve();
  const { closed } = await open(url, head("authorization: Bearer bad\r\ncontent-length: 1000"));
  assert.match(await closed, /^HTTP\/1\.1 401 [\s\S]*www-authenticate: Bearer[\s\S]*connection: close/i);
  assert.deepEqual(seen, ["unauthenticated"]);
});

test("a client that asks first is told to send its body only when its call may be made", async () => {
  const { url } = await serve();
  const expect = "expect: 100-continue\r\nconnection: close\r\ncontent-length: 2";
  const known = await open(url, head(`${authorized}\r\n${expect}`));
  known.socket.once("data", () => known.socket.write("{}"));
  assert.match(await known.closed, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  const unknown = await open(url, head(`authorization: none\r\n${expect}`));
  assert.match(await unknown.closed, /^HTTP\/1\.1 401 /);
});

test("a body that is too large is rejected by its length, or as soon as it is longer", async () => {
  const { url, seen, call } = await serve();
  const announced = await open(url, head(`${authorized}\r\ncontent-length: ${MESSAGE_BYTES_MAX + 1}`));
  assert.match(await announced.closed, /^HTTP\/1\.1 413 [\s\S]*larger than 1048576 bytes/);
  const chunked = await open(url, head(`${authorized}\r\ntransfer-encoding: chunked`));
  const chunk = `40000\r\n${" ".repeat(0x40000)}\r\n`;
  for (let i = 0; i < 5; i++) chunked.socket.write(chunk);
  assert.match(await chunked.closed, /^HTTP\/1\.1 413 /);
  assert.deepEqual(seen, ["body-size", "body-size"]);
  const spaces = " ".repeat(MESSAGE_BYTES_MAX - 2);
  assert.equal((await call("SendNotification", `{}${spaces}`)).status, 200, "the most of the method");
});

test("a body or a head that does not come is not waited for", async () => {
  const { url, next } = await serve({}, { requestMsMax: 50 });
  for (const sent of [head(`${authorized}\r\ncontent-length: 10`), "POST / HT"]) {
    const rejected = next("timeout");
    const { closed } = await open(url, sent);
    await rejected;
    assert.match(await closed, /^HTTP\/1\.1 408 /);
  }
});

test("a caller's own time ends the wait for its body", async () => {
  const { url, seen } = await serve();
  const { closed } = await open(url, head(`${authorized}\r\nconnect-timeout-ms: 20\r\ncontent-length: 10`));
  assert.match(await closed, /^HTTP\/1\.1 504 /);
  assert.deepEqual(seen, ["timeout"]);
});

test("a time that no timer can wait is not one that has passed", async () => {
  const { url } = await serve();
  const headers = "connect-timeout-ms: 9999999999\r\nconnection: close\r\ncontent-length: 2";
  const { socket, closed } = await open(url, head(`${authorized}\r\n${headers}`));
  // Longer than the 1 ms that Node makes of such a time.
  setTimeout(() => socket.write("{}"), 20);
  assert.match(await closed, /^HTTP\/1\.1 200 /);
});

test("a head that is too large is rejected", async () => {
  const { url, seen } = await serve();
  const large = await open(url, head(`${authorized}\r\nx: ${"x".repeat(17 * 1_024)}`));
  assert.match(await large.closed, /^HTTP\/1\.1 431 /);
  assert.deepEqual(seen, ["head"]);
});

test("the bound of calls under way holds for both listeners together; another caller still has one", async () => {
  const [began, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { call, shared } = await serve(
    {
      sendNotification: async () => {
        began.resolve();
        await go.promise;
        return { accepted: undefined };
      },
    },
    { limits: { calls: fixedCallLimit(3) } },
  );
  const first = call("SendNotification", {});
  await began.promise;
  // As the gRPC listener counts a call of the same caller.
  const elsewhere = {};
  shared.places.add(elsewhere, KEY);
  const get = (authorization: string) => call("GetNotification", { notificationId: ID }, { headers: { authorization } });
  const full = await get(KEY);
  assert.deepEqual([full.status, full.json.details.at(-1).debug.reason, full.headers.get("retry-after")], [429, "OVERLOADED", "1"]);
  assert.equal((await get(`${KEY} other`)).status, 200);
  shared.places.remove(elsewhere);
  assert.equal((await get(KEY)).status, 200);
  go.resolve();
  assert.equal((await first).status, 200);
});

test("a call keeps its place until its work is over, also when its caller has gone", async () => {
  const [began, gone, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { url, call } = await serve(
    {
      sendNotification: async (_, { signal }) => {
        signal.addEventListener("abort", () => gone.resolve());
        began.resolve();
        await go.promise;
        return { accepted: undefined };
      },
    },
    { limits: { calls: fixedCallLimit(2) } },
  );
  const leaving = new AbortController();
  const headers = { authorization: KEY, "content-type": "application/json" };
  const left = assert.rejects(
    fetch(`${url}${SERVICE}/SendNotification`, { method: "POST", headers, body: "{}", signal: leaving.signal }),
    /aborted/,
  );
  await began.promise;
  leaving.abort();
  await Promise.all([left, gone.promise]);
  const get = () => call("GetNotification", { notificationId: ID }, { headers: { authorization: KEY } });
  assert.equal((await get()).status, 429);
  go.resolve();
  await eventually("the place is free", async () => (await get()).status === 200);
});

test("the bytes of requests under way are bounded, and so is what a small text unfolds to", async () => {
  const { call, seen } = await serve({}, { limits: { requestBytesMax: 4 * MESSAGE_BYTES_MAX } });
  const many = `{"notification": {"channels": [${"0,".repeat(20_000)}0]}}`;
  const answer = await call("SendNotification", many);
  assert.deepEqual([answer.status, answer.json.details.at(-1).debug.reason], [429, "OVERLOADED"]);
  assert.deepEqual(seen, ["overloaded"]);
  assert.equal((await call("SendNotification", "{}")).status, 200, "what it held is free again");
});

test("what has more keys and values than any request is not parsed", async () => {
  const { call } = await serve();
  const answer = await call("SendNotification", `{"notification": {${'"category":"a",'.repeat(20_000)}"category":"a"}}`);
  assert.deepEqual([answer.status, answer.json.message], [400, "the JSON has more than 32768 keys and values"]);
  const long = await call("SendNotification", `{"notification": {"ttlSeconds": ${"9".repeat(401)}}}`);
  assert.deepEqual([long.status, long.json.message], [400, "a number in the JSON has more than 400 digits"]);
  const batch = await call("BatchSendNotifications", " ".repeat(BODY_BYTES_MAX + 1));
  assert.equal(batch.status, 413);
});

test("of many bodies that never end the largest gives way, and others are still read", async () => {
  const { url, call, next } = await serve({}, { limits: { requestBytesMax: 2 * MESSAGE_BYTES_MAX } });
  const gaveWay = next("overloaded");
  const slow = await Promise.all(
    Array.from({ length: 4 }, () =>
      open(url, `${head(`${authorized} slow\r\ncontent-length: ${MESSAGE_BYTES_MAX}`)}${" ".repeat(600_000)}`),
    ),
  );
  await gaveWay;
  assert.match(await Promise.race(slow.map(({ closed }) => closed)), /^HTTP\/1\.1 429 /);
  assert.equal((await call("SendNotification", "{}")).status, 200);
});

test("a call under way at the end is answered, and its connection closed", async () => {
  const [began, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { call, server } = await serve({
    sendNotification: async () => {
      began.resolve();
      await go.promise;
      return { accepted: undefined };
    },
  });
  const answer = call("SendNotification", {}, { headers: { connection: "keep-alive" } });
  await began.promise;
  const ended = server[Symbol.asyncDispose]();
  go.resolve();
  assert.deepEqual([(await answer).status, (await answer).headers.get("connection")], [200, "close"]);
  await ended;
});

test("it serves TLS with the certificate that its file holds now, and asks for one where it knows an authority", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-connect-"));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const authority = await createAuthority("ours");
  const held = ({ cert, key }: Pair) => ({ "tls.crt": cert, "tls.key": key, "ca.crt": authority.cert });
  const secret = mountSecret(directory, held(await authority.issue()));
  const file = (name: string) => ({ name, path: secret.path(name) });
  const certificates = watchCertificates({ cert: file("tls.crt"), key: file("tls.key"), ca: file("ca.crt") }, { log, pollMs: 20 });
  const { server } = await serve({}, { tls: certificates });
  const ask = async (pair?: { cert: string; key: string }) => {
    const agent = new Agent({ ca: authority.cert, servername: "localhost", ...pair });
    const { promise, resolve } = Promise.withResolvers<string>();
    const options = { method: "POST", agent, headers: { authorization: KEY, "content-type": "application/json" } };
    request(`https://127.0.0.1:${server.port}${SERVICE}/SendNotification`, options, (response) => resolve(`${response.statusCode}`))
      .on("error", () => resolve("closed"))
      .end("{}");
    return promise.finally(() => agent.destroy());
  };
  const mine = await authority.issue();
  assert.deepEqual([await ask(), await ask(mine)], ["closed", "200"]);
  const serial = () =>
    new Promise<string>((resolve) => {
      const socket = connect({ host: "127.0.0.1", port: server.port, ca: authority.cert, servername: "localhost", ...mine }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
    });
  const before = await serial();
  secret.replace(held(await authority.issue()));
  while ((await serial()) === before);
  assert.equal(await ask(mine), "200");
});

test("a body beyond what may wait to be read is rejected unread, and a deadline ends the wait", async () => {
  let isFull = false;
  const [began, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let [bodies, reads] = [0, 0];
  const turns: ReadingTurns = {
    run(body, read) {
      if (isFull) return undefined;
      if (++bodies === 2) began.resolve();
      return go.promise.then(() => {
        if (body.isOver()) return new Promise<never>(() => undefined);
        reads++;
        return read();
      });
    },
  };
  const { call, shared, seen } = await serve({}, { turns });
  const late = await call("SendNotification", {}, { headers: { "connect-timeout-ms": "20" } });
  assert.deepEqual([late.status, late.json.code], [504, "deadline_exceeded"]);
  const waiting = call("SendNotification", {});
  await began.promise;
  isFull = true;
  const rejected = await call("SendNotification", {});
  assert.deepEqual(
    [rejected.status, rejected.json.details.at(-1).debug.reason, rejected.headers.get("retry-after"), seen],
    [429, "OVERLOADED", "1", ["overloaded"]],
  );
  isFull = false;
  go.resolve();
  assert.equal((await waiting).status, 200);
  assert.equal(reads, 1, "the late one is not read");
  assert.ok(shared.places.hasRoom(KEY));
});
