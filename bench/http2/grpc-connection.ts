import { once } from "node:events";
import { connect } from "node:net";
import {
  createFrameReader,
  createFrameWriter,
  createReceivedWindow,
  FLAG,
  FRAME,
  frame,
  PREFACE,
  readSettings,
  SETTING,
  settingsFrame,
  WINDOW_BYTES,
  WINDOW_BYTES_MAX,
  windowUpdateFrame,
} from "./frames.ts";
import { repeatedHeaders } from "./header-block.ts";
import { createOutgoing } from "./outgoing.ts";

/** One HTTP/2 connection in plain text that calls one unary method over and over. */
export interface GrpcConnection extends Disposable {
  /** Resolves to the encoded response, or to undefined when the call ended without one, as it does with an error. */
  call(message: Uint8Array): Promise<Buffer | undefined>;
}

interface Call {
  answer: Buffer[];
  resolve(answer: Buffer | undefined): void;
  reject(error: Error): void;
}

/** Prefix of every gRPC message: a flag and its length. */
const PREFIX_BYTES = 5;
/** The call deadline, sent as real clients do. */
const TIMEOUT = "20S";

/** @param address host:port */
export async function connectGrpc(address: string, path: string, token: string): Promise<GrpcConnection> {
  const [host = "", port = ""] = address.split(":");
  const socket = connect({ host, port: Number(port), noDelay: true });
  await once(socket, "connect");
  const headers = headersOf(address, path, token);
  const write = createFrameWriter((bytes) => socket.write(bytes));
  const received = createReceivedWindow(write);
  const outgoing = createOutgoing(write);
  const calls = new Map<number, Call>();
  let next = 1;

  const end = (error: Error) => {
    for (const call of calls.values()) call.reject(error);
    calls.clear();
    socket.destroy();
  };
  const settle = (id: number) => {
    const call = calls.get(id);
    calls.delete(id);
    outgoing.drop(id);
    call?.resolve(call.answer.length === 0 ? undefined : Buffer.concat(call.answer).subarray(PREFIX_BYTES));
  };
  const read = createFrameReader((type, flags, id, payload) => {
    const isAck = (flags & FLAG.ack) !== 0;
    if (type === FRAME.data) {
      received(payload.length);
      calls.get(id)?.answer.push(Buffer.from(payload));
    } else if (type === FRAME.settings && !isAck) {
      outgoing.startWindow(readSettings(payload).get(SETTING.initialWindowSize) ?? WINDOW_BYTES);
      write(frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(0)));
    } else if (type === FRAME.windowUpdate) outgoing.grant(id, payload.readUInt32BE());
    else if (type === FRAME.ping && !isAck) write(frame(FRAME.ping, FLAG.ack, 0, payload));
    else if (type === FRAME.goAway) end(new Error("the server ended the connection"));
    const ends = (type === FRAME.data || type === FRAME.headers) && (flags & FLAG.endStream) !== 0;
    if (ends || type === FRAME.resetStream) settle(id);
  });
  socket.on("data", read);
  socket.on("error", end);
  socket.on("close", () => end(new Error("the connection closed")));
  write(PREFACE);
  write(settingsFrame([[SETTING.initialWindowSize, WINDOW_BYTES_MAX]]));
  write(windowUpdateFrame(0, WINDOW_BYTES_MAX - WINDOW_BYTES));

  return {
    call: (message) =>
      new Promise((resolve, reject) => {
        const id = next;
        next += 2;
        calls.set(id, { answer: [], resolve, reject });
        write(frame(FRAME.headers, FLAG.endHeaders, id, id === 1 ? headers.first : headers.later));
        outgoing.send(id, prefixed(message));
      }),
    [Symbol.dispose]: () => end(new Error("disposed")),
  };
}

const headersOf = (address: string, path: string, token: string) =>
  repeatedHeaders([
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", address],
    ["te", "trailers"],
    ["content-type", "application/grpc"],
    ["grpc-timeout", TIMEOUT],
    ["authorization", `Bearer ${token}`],
  ]);

function prefixed(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, PREFIX_BYTES);
  return bytes;
}
