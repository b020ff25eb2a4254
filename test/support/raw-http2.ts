import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** HTTP/2 frame by frame, for what node:http2 would not send. */
export interface RawHttp2 extends Disposable {
  readonly socket: Socket;
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<unknown>;
  frame(type: number, flags: number, stream: number, payload?: Buffer): Buffer;
}

export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, continuation: 9 } as const;
export const END_HEADERS = 4;

/** Connects, and sends the preface and empty settings. */
export async function rawHttp2(port: number): Promise<RawHttp2> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.resume();
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(frame(FRAME.settings, 0, 0));
  return { socket, closed, frame, [Symbol.dispose]: () => void socket.destroy() };
}

function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK: each a literal without indexing and without Huffman coding. */
export const headerBlock = (headers: Readonly<Record<string, string>>): Buffer =>
  Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => [
      Buffer.from([0]),
      lengthOf(name),
      Buffer.from(name),
      lengthOf(value),
      Buffer.from(value),
    ]),
  );

/** An integer with a prefix of seven bits. */
function lengthOf(text: string): Buffer {
  const { length } = text;
  if (length < 127) return Buffer.from([length]);
  const bytes = [127];
  let rest = length - 127;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

/** The headers of a gRPC call. */
export const callHeaders = (path: string, more: Readonly<Record<string, string>> = {}): Buffer =>
  headerBlock({
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "a",
    "content-type": "application/grpc",
    te: "trailers",
    ...more,
  });
