// A server that speaks as much of MongoDB's wire protocol as a driver needs: it answers everything with the same, and keeps the commands.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { BSON, type Document, Long } from "mongodb";

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER_BYTES = 16;
/** Of an OP_MSG's first section, after the flags and its kind. Others may follow it. */
const COMMAND_AT = HEADER_BYTES + 5;

const HELLO = {
  ok: 1,
  isWritablePrimary: true,
  minWireVersion: 0,
  maxWireVersion: 21,
  maxBsonObjectSize: 2 ** 24,
  maxMessageSizeBytes: 48e6,
};

/** The reply to a message of the wire protocol: https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/ */
function replyTo(message: Buffer, answer: Document): Buffer {
  const isQuery = message.readInt32LE(12) === OP_QUERY;
  const document = BSON.serialize(answer);
  // OP_REPLY: flags, cursor (8 bytes), first, count. OP_MSG: flags, and the kind of its one section.
  const head = Buffer.alloc(HEADER_BYTES + (isQuery ? 20 : 5));
  head.writeInt32LE(head.length + document.length, 0);
  head.writeInt32LE(message.readInt32LE(4), 8);
  head.writeInt32LE(isQuery ? OP_REPLY : OP_MSG, 12);
  if (isQuery) head.writeInt32LE(1, HEADER_BYTES + 16);
  return Buffer.concat([head, document]);
}

/** @param also what each answer has besides @returns the commands that came, and ways to break connections */
export async function startScriptedMongo(also: Document = {}) {
  const sockets = new Set<Socket>();
  const commands: Document[] = [];
  const answer = { ...HELLO, maxWriteBatchSize: 100_000, cursor: { id: Long.ZERO, ns: "a.b", firstBatch: [] }, ...also };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    let got: Buffer = Buffer.alloc(0);
    socket.on("data", (data: Buffer) => {
      got = Buffer.concat([got, data]);
      while (got.length >= HEADER_BYTES && got.length >= got.readInt32LE(0)) {
        const length = got.readInt32LE(0);
        if (got.readInt32LE(12) === OP_MSG)
          commands.push(BSON.deserialize(got.subarray(COMMAND_AT, COMMAND_AT + got.readInt32LE(COMMAND_AT))));
        socket.write(replyTo(got.subarray(0, length), answer));
        got = got.subarray(length);
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    commands,
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
