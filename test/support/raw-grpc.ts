import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from "node:http2";

/** gRPC by hand, for what a client library would not send. */
export interface RawGrpc extends AsyncDisposable {
  readonly session: ClientHttp2Session;
  /** Opens a call; nothing of a message is sent. */
  open(path: string, headers?: OutgoingHttpHeaders): RawCall;
  /** Bytes sent to the server so far, headers included. */
  readonly sent: number;
}

export interface RawCall {
  readonly stream: ClientHttp2Stream;
  /** The status, when the stream has ended: of the trailers, or the HTTP status where the answer is none of gRPC. */
  readonly status: Promise<RawStatus>;
}

export interface RawStatus {
  code: number | undefined;
  message: string;
  headers: Record<string, unknown>;
  /** HTTP/2's code with which the stream ended. */
  rstCode: number;
}

/** @param address host:port */
export async function rawGrpc(address: string): Promise<RawGrpc> {
  // In MB: what waits to be written counts as memory of the session, and without it answers would be dropped.
  const session = connect(`http://${address}`, { maxSessionMemory: 1_000 });
  session.on("error", () => undefined);
  await once(session, "connect");
  const { socket } = session;
  return {
    session,
    get sent() {
      return socket.bytesWritten;
    },
    open(path, headers = {}) {
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      });
      return { stream, status: statusOf(stream) };
    },
    async [Symbol.asyncDispose]() {
      if (session.destroyed) return;
      session.destroy();
      await once(session, "close");
    },
  };
}

async function statusOf(stream: ClientHttp2Stream): Promise<RawStatus> {
  let headers: Record<string, unknown> = {};
  stream.on("error", () => undefined);
  stream.on("response", (h) => {
    headers = { ...headers, ...h };
  });
  stream.on("trailers", (h) => {
    headers = { ...headers, ...h };
  });
  stream.resume();
  await new Promise((resolve) => stream.once("close", resolve));
  const status = headers["grpc-status"];
  return {
    code: status === undefined ? undefined : Number(status),
    message: decodeURIComponent(String(headers["grpc-message"] ?? "")),
    headers,
    rstCode: stream.rstCode,
  };
}

/** A message as gRPC frames it. */
export function framed(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
