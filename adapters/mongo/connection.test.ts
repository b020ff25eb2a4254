// What a client does whose connection closes before a command is written, against a server that speaks no more than hello and ping.
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { BSON, MongoClient, MongoNetworkError } from "mongodb";
import { createClient } from "./client.ts";
import { WriteOrCloseConnection } from "./connection.ts";

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER_BYTES = 16;

const HELLO = {
  ok: 1,
  isWritablePrimary: true,
  minWireVersion: 0,
  maxWireVersion: 21,
  maxBsonObjectSize: 2 ** 24,
  maxMessageSizeBytes: 48e6,
};

/** The reply to a message of the wire protocol: https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/ */
function replyTo(message: Buffer): Buffer {
  const isQuery = message.readInt32LE(12) === OP_QUERY;
  const document = BSON.serialize({ ...HELLO, maxWriteBatchSize: 100_000 });
  // OP_REPLY: flags, cursor (8 bytes), first, count. OP_MSG: flags, and the kind of its one section.
  const head = Buffer.alloc(HEADER_BYTES + (isQuery ? 20 : 5));
  head.writeInt32LE(head.length + document.length, 0);
  head.writeInt32LE(message.readInt32LE(4), 8);
  head.writeInt32LE(isQuery ? OP_REPLY : OP_MSG, 12);
  if (isQuery) head.writeInt32LE(1, HEADER_BYTES + 16);
  return Buffer.concat([head, document]);
}

/** Answers everything with the same; stops reading a connection on request. */
async function startServer() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    let got: Buffer = Buffer.alloc(0);
    socket.on("data", (data: Buffer) => {
      got = Buffer.concat([got, data]);
      while (got.length >= HEADER_BYTES && got.length >= got.readInt32LE(0)) {
        const length = got.readInt32LE(0);
        socket.write(replyTo(got.subarray(0, length)));
        got = got.subarray(length);
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    uri: `mongodb://127.0.0.1:${(server.address() as AddressInfo).port}/?directConnection=true`,
    stopReading: () => {
      for (const socket of sockets) socket.pause();
    },
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** The sockets that this process opens meanwhile. */
function watchSockets(): Disposable & { all: Socket[] } {
  const all: Socket[] = [];
  const add = (message: unknown) => void all.push((message as { socket: Socket }).socket);
  subscribe("net.client.socket", add);
  return { all, [Symbol.dispose]: () => void unsubscribe("net.client.socket", add) };
}

/** More than two sockets' buffers hold. */
const LARGE = Buffer.alloc(15_000_000);

describe("a command whose connection closes before it is written", () => {
  it("rejects with a network error, and the next one is answered", async () => {
    await using server = await startServer();
    using sockets = watchSockets();
    await using client = createClient(server.uri, {});
    await client.db("a").command({ ping: 1 });
    // As after the server's end: destroyed, and 'close' not emitted yet.
    for (const socket of sockets.all) socket.destroy();
    await assert.rejects(client.db("a").command({ ping: 1 }), MongoNetworkError);
    assert.equal((await client.db("a").command({ ping: 1 })).ok, 1);
  });

  it("rejects with a network error when the line is reset under it, not with Node's own", async () => {
    await using server = await startServer();
    await using client = createClient(server.uri, {});
    await client.db("a").command({ ping: 1 });
    server.reset();
    await assert.rejects(client.db("a").command({ ping: 1 }), MongoNetworkError);
  });

  it("rejects when a server that stopped reading is given up", async () => {
    await using server = await startServer();
    const options = { connectionType: WriteOrCloseConnection, socketTimeoutMS: 100, retryWrites: false };
    await using client = new MongoClient(server.uri, options);
    await client.db("a").command({ ping: 1 });
    server.stopReading();
    const documents = [1, 2, 3].map((_id) => ({ _id, data: LARGE }));
    await assert.rejects(client.db("a").collection<{ _id: number }>("b").insertMany(documents), {
      name: "MongoBulkWriteError",
      message: /timed out|closed/,
    });
  });

  it("waits for ever with the driver's own connection: when this fails, connection.ts can go", async () => {
    await using server = await startServer();
    using sockets = watchSockets();
    const client = new MongoClient(server.uri);
    await client.db("a").command({ ping: 1 });
    const closed = sockets.all.map((socket) => once(socket, "close"));
    for (const socket of sockets.all) socket.destroy();
    let settled = false;
    client
      .db("a")
      .command({ ping: 1 })
      .catch(() => undefined)
      .finally(() => (settled = true));
    await Promise.all(closed);
    for (let turns = 0; turns < 10; turns++) await turn();
    assert.equal(settled, false);
    await client.close();
  });

  it("is what every connection of ours guards against", () => {
    const { options } = createClient("mongodb://h/db", {});
    assert.equal((options as { connectionType?: unknown }).connectionType, WriteOrCloseConnection);
  });
});
