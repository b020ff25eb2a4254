import { once } from "node:events";
import { connect } from "node:net";
import {
  createFrameReader,
  createFrameWriter,
  createReceivedWindow,
  ERROR,
  FLAG,
  FRAME,
  frame,
  PREFACE,
  readSettings,
  resetFrame,
  SETTING,
  settingsFrame,
  WINDOW_BYTES,
  WINDOW_BYTES_MAX,
  windowUpdateFrame,
} from "./frames.ts";
import { repeatedHeaders } from "./header-block.ts";
import { createOutgoing } from "./outgoing.ts";

/**
 * How a call ended: with a message, which means OK; with a status only, whose header block readHeaderFields() reads; by RST_STREAM; before the
 * server took it, by GOAWAY; or with its connection.
 */
export type CallEnd =
  | { how: "message"; message: Buffer }
  | { how: "status"; block: Buffer }
  | { how: "reset"; error: number }
  | { how: "go-away" }
  | { how: "lost" };

/** One HTTP/2 connection in plain text that calls one unary method over and over. */
export interface GrpcConnection extends Disposable {
  /** Resolves to the encoded response, or to undefined when the call ended without one, as it does with an error. */
  call(message: Uint8Array): Promise<Buffer | undefined>;
  /**
   * Begins a call and returns its stream.
   * @param ended not called after cancel()
   * @param timeoutMs the call's own deadline; absent: the connection's
   */
  begin(message: Uint8Array, ended: (end: CallEnd) => void, timeoutMs?: number): number;
  /** Ends a call by RST_STREAM. */
  cancel(stream: number): void;
  /** How many more calls the server takes now; 0 once the connection ends. */
  readonly room: number;
  /** The server has announced its end (GOAWAY), or it has ended. */
  readonly ending: "no" | "go-away" | "lost";
}

interface Call {
  answer: Buffer[];
  ended(end: CallEnd): void;
}

/** Prefix of every gRPC message: a flag and its length. */
const PREFIX_BYTES = 5;
/** The deadline of a call, sent as real clients do. */
const TIMEOUT_MS = 20_000;
/** Until the server has said how many streams it takes. */
const STREAMS_FIRST = 100;
const TIMEOUT_HEADER = "grpc-timeout";

/**
 * @param address host:port
 * @param timeoutMs sent with every call that has no own
 */
export async function connectGrpc(address: string, path: string, token: string, timeoutMs = TIMEOUT_MS): Promise<GrpcConnection> {
  const [host = "", port = ""] = address.split(":");
  const socket = connect({ host, port: Number(port), noDelay: true });
  await once(socket, "connect");
  const headers = headersOf({ address, path, token, timeoutMs });
  const write = createFrameWriter((bytes) => socket.write(bytes));
  const received = createReceivedWindow(write);
  const outgoing = createOutgoing(write);
  const calls = new Map<number, Call>();
  let [next, streamsMax] = [1, STREAMS_FIRST];
  let ending: GrpcConnection["ending"] = "no";

  const settle = (id: number, end: (call: Call) => CallEnd) => {
    const call = calls.get(id);
    calls.delete(id);
    outgoing.drop(id);
    call?.ended(end(call));
    if (ending === "go-away" && calls.size === 0) socket.destroy();
  };
  const lose = () => {
    ending = "lost";
    socket.destroy();
    for (const id of calls.keys()) settle(id, () => ({ how: "lost" }));
  };
  const goAway = (lastStream: number) => {
    ending = "go-away";
    for (const id of calls.keys()) if (id > lastStream) settle(id, () => ({ how: "go-away" }));
    if (calls.size === 0) socket.destroy();
  };
  const read = createFrameReader((type, flags, id, payload) => {
    const isAck = (flags & FLAG.ack) !== 0;
    if (type === FRAME.data) {
      received(payload.length);
      calls.get(id)?.answer.push(Buffer.from(payload));
    } else if (type === FRAME.settings && !isAck) {
      const settings = readSettings(payload);
      outgoing.startWindow(settings.get(SETTING.initialWindowSize) ?? WINDOW_BYTES);
      streamsMax = settings.get(SETTING.maxConcurrentStreams) ?? streamsMax;
      write(frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(0)));
    } else if (type === FRAME.windowUpdate) outgoing.grant(id, payload.readUInt32BE());
    else if (type === FRAME.ping && !isAck) write(frame(FRAME.ping, FLAG.ack, 0, payload));
    else if (type === FRAME.goAway) goAway(payload.readUInt32BE() & 0x7fff_ffff);
    else if (type === FRAME.resetStream) settle(id, (call) => answerOf(call) ?? { how: "reset", error: payload.readUInt32BE() });
    if ((type === FRAME.data || type === FRAME.headers) && (flags & FLAG.endStream) !== 0)
      settle(id, (call) => answerOf(call) ?? { how: "status", block: Buffer.from(payload) });
  });
  socket.on("data", read);
  socket.on("error", lose);
  socket.on("close", lose);
  write(PREFACE);
  write(
    settingsFrame([
      [SETTING.headerTableSize, 0],
      [SETTING.initialWindowSize, WINDOW_BYTES_MAX],
    ]),
  );
  write(windowUpdateFrame(0, WINDOW_BYTES_MAX - WINDOW_BYTES));

  const begin: GrpcConnection["begin"] = (message, ended, ownMs = timeoutMs) => {
    const id = next;
    next += 2;
    calls.set(id, { answer: [], ended });
    write(frame(FRAME.headers, FLAG.endHeaders, id, id === 1 ? headers.first : headers.later(ownMs)));
    outgoing.send(id, prefixed(message));
    return id;
  };
  return {
    begin,
    call: (message) =>
      new Promise((resolve, reject) => {
        if (ending !== "no") reject(new Error("the connection has ended"));
        else
          begin(message, (end) => {
            if (end.how === "lost" || end.how === "go-away") reject(new Error("the connection ended"));
            else resolve(end.how === "message" ? end.message : undefined);
          });
      }),
    cancel(stream) {
      if (!calls.delete(stream)) return;
      outgoing.drop(stream);
      write(resetFrame(stream, ERROR.cancel));
    },
    get room() {
      return ending === "no" ? Math.max(0, streamsMax - calls.size) : 0;
    },
    get ending() {
      return ending;
    },
    [Symbol.dispose]: lose,
  };
}

/** The server sends a message only with OK. */
const answerOf = ({ answer }: Call): CallEnd | undefined =>
  answer.length === 0 ? undefined : { how: "message", message: Buffer.concat(answer).subarray(PREFIX_BYTES) };

function headersOf({ address, path, token, timeoutMs }: { address: string; path: string; token: string; timeoutMs: number }) {
  const timeout = (ms: number) => `${ms}m`;
  const { first, later, laterWith } = repeatedHeaders([
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", address],
    ["te", "trailers"],
    ["content-type", "application/grpc"],
    [TIMEOUT_HEADER, timeout(timeoutMs)],
    ["authorization", `Bearer ${token}`],
  ]);
  const known = new Map([[timeoutMs, later]]);
  return {
    first,
    later(ownMs: number): Buffer {
      const block = known.get(ownMs) ?? laterWith(TIMEOUT_HEADER, timeout(ownMs));
      known.set(ownMs, block);
      return block;
    },
  };
}

function prefixed(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, PREFIX_BYTES);
  return bytes;
}
