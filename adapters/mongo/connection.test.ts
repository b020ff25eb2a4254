// What a client does whose connection closes before a command is written, against a server that speaks no more than hello and ping.
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { MongoClient, MongoNetworkError } from "mongodb";
import { startScriptedMongo } from "../../test/support/scripted-mongo.ts";
import { createClient } from "./client.ts";
import { WriteOrCloseConnection } from "./connection.ts";

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
    await using server = await startScriptedMongo();
    using sockets = watchSockets();
    await using client = createClient(server.uri, {});
    await client.db("a").command({ ping: 1 });
    // As after the server's end: destroyed, and 'close' not emitted yet.
    for (const socket of sockets.all) socket.destroy();
    await assert.rejects(client.db("a").command({ ping: 1 }), MongoNetworkError);
    assert.equal((await client.db("a").command({ ping: 1 })).ok, 1);
  });

  it("rejects with a network error when the line is reset under it, not with Node's own", async () => {
    await using server = await startScriptedMongo();
    await using client = createClient(server.uri, {});
    await client.db("a").command({ ping: 1 });
    server.reset();
    await assert.rejects(client.db("a").command({ ping: 1 }), MongoNetworkError);
  });

  it("rejects when a server that stopped reading is given up", async () => {
    await using server = await startScriptedMongo();
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
    await using server = await startScriptedMongo();
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
