import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { eventually } from "../../test/support/eventually.ts";
import { UnsafeSettingError } from "../unsafe-setting.ts";
import { connectNats, natsVariables } from "./connect.ts";
import { judgeNatsVersion } from "./server-version.ts";
import { ensureStreams, streamVariables } from "./streams.ts";

test("releases that lack what is used are rejected, those with lesser bugs are named, and others pass", () => {
  const cases: [version: string, rejected: number, known: number][] = [
    ["2.8.4", 1, 1],
    ["2.9.9", 1, 1],
    ["2.9.10", 1, 1],
    ["2.10.22", 1, 1],
    ["2.10.29", 1, 1],
    ["2.11.0", 0, 2],
    ["2.11.11", 0, 2],
    ["2.11.12", 0, 1],
    ["2.12.0-RC.1", 0, 2],
    ["2.12.3", 0, 2],
    ["2.12.8", 0, 1],
    ["2.12.9", 0, 0],
    ["2.14.5", 0, 0],
    ["2.15.1", 0, 0],
    ["3.0.0", 0, 0],
    ["a build of ours", 0, 1],
  ];
  for (const [version, rejected, known] of cases) {
    const verdict = judgeNatsVersion(version);
    assert.deepEqual([version, verdict.rejected.length, verdict.known.length], [version, rejected, known]);
  }
});

/** Sends `version` in its INFO; JetStream is off: every request is answered "no responders" (503), as a server without it does. */
async function startFakeServer(info: { version: string }) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    socket.write(`INFO ${JSON.stringify({ server_id: "x", version: info.version, proto: 1, headers: true, max_payload: 1_048_576 })}\r\n`);
    let sid = "1";
    socket.on("data", (data) => {
      const text = data.toString();
      sid = /SUB \S+ (\d+)\r\n/.exec(text)?.[1] ?? sid;
      if (text.includes("PING")) socket.write("PONG\r\n");
      const reply = /PUB \$JS\S+ (_INBOX\S+) /.exec(text)?.[1];
      if (reply) socket.write(`HMSG ${reply} ${sid} 16 16\r\nNATS/1.0 503\r\n\r\n\r\n`);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    [Symbol.asyncDispose]: async () => {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}

const configOf = ({ url }: { url: string }) => readConfig(natsVariables, { NATS_URL: url });

test("a start against a rejected release names server, version, reason and fix, and leaves no connection", async () => {
  await using server = await startFakeServer({ version: "2.9.10" });
  await assert.rejects(connectNats(configOf(server), createLogger("test", "silent")), (error) => {
    assert.ok(error instanceof UnsafeSettingError);
    assert.match(error.message, /^NATS at 127\.0\.0\.1:\d+: the server's version is 2\.9\.10: .*carry no time.*; run 2\.12\.9/);
    return true;
  });
});

test("lesser bugs are logged; a rejected release found on a reconnection is logged as an error, and the connection stays open", async () => {
  const lines: string[] = [];
  const log = createLogger("test", "warn", { write: (line) => void lines.push(line) });
  const info = { version: "2.12.8" };
  await using server = await startFakeServer(info);
  await using nats = await connectNats(configOf(server), log);
  assert.match(lines.join(""), /"level":"warn".*"version":"2\.12\.8".*stand still/);
  info.version = "2.10.22";
  server.cut();
  await eventually("it is logged", () => lines.some((line) => /"level":"error".*2\.10\.22/.test(line)));
  assert.equal(nats.isClosed(), false);
});

test("disabled JetStream is reported, with how to enable it", async () => {
  await using server = await startFakeServer({ version: "2.15.1" });
  await using nats = await connectNats(configOf(server), createLogger("test", "silent"));
  await assert.rejects(ensureStreams(nats, readConfig(streamVariables, {}), ["sms"]), (error) => {
    assert.ok(error instanceof UnsafeSettingError);
    assert.match(error.message, /JetStream is off.*nats-server with -js/);
    return true;
  });
});
