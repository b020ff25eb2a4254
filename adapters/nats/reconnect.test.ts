import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { eventually } from "../../test/support/eventually.ts";
import { UnreachableError } from "../unreachable.ts";
import { connectNats, natsVariables } from "./connect.ts";

const INFO = `INFO ${JSON.stringify({ server_id: "x", version: "2.11.0", proto: 1, headers: true, max_payload: 1_048_576 })}\r\n`;

test("a rejected first connection fails instead of retrying for ever", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.write(INFO);
    socket.on("data", () => socket.end("-ERR 'Authorization Violation'\r\n"));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const log = createLogger("test", "silent", { write() {} });
  await assert.rejects(connectNats(readConfig(natsVariables, { NATS_URL: `nats://127.0.0.1:${port}` }), log), UnreachableError);
  server.close();
});

test("reconnects after its credentials were rejected several times, as by a server being reconfigured", async () => {
  let rejections = 0;
  let admitted: Socket | undefined;
  let admissions = 0;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.write(INFO);
    socket.on("data", (data) => {
      const text = data.toString();
      if (text.includes("CONNECT") && rejections > 0) {
        rejections--;
        socket.end("-ERR 'Authorization Violation'\r\n");
      } else if (text.includes("PING")) {
        if (text.includes("CONNECT")) admissions++;
        admitted = socket;
        socket.write("PONG\r\n");
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const log = createLogger("test", "silent", { write() {} });
  const nats = await connectNats(readConfig(natsVariables, { NATS_URL: `nats://127.0.0.1:${port}` }), log);
  try {
    rejections = 3;
    admitted?.destroy();
    await eventually("admitted again", () => admissions === 2);
    assert.equal(nats.isClosed(), false);
  } finally {
    await nats[Symbol.asyncDispose]();
    server.close();
  }
});
