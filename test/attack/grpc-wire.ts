// gRPC by hand over HTTP/2: what no generated client would send.
import { type EventEmitter, once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { status } from "@grpc/grpc-js";

/** Answers by name: a gRPC status, "reset", "no answer". */
export type Answers = Record<string, number>;

/** Longest wait for an answer, in ms; a call under attack that gets none by then counts as "no answer". */
const ANSWER_MS = 20_000;

export async function openSession(address: string): Promise<ClientHttp2Session & Disposable> {
  // In MB: what waits to be sent counts as memory of the session, and without any left it resets the streams of answers.
  const session = connect(`http://${address}`, { maxSessionMemory: 1_000 });
  session.on("error", () => undefined);
  // A session that does not come about answers every call with "reset".
  await Promise.race([once(session, "connect"), once(session, "close")]).catch(() => undefined);
  return Object.assign(session, { [Symbol.dispose]: () => session.destroy() });
}

export interface RawCall {
  path: string;
  token?: string | undefined;
  headers?: Readonly<Record<string, string>>;
  /** Bytes after the headers, exactly as they are. */
  body?: Uint8Array | undefined;
  /** Leaves the request unfinished. */
  open?: boolean;
}

/** Starts a call; headers only, unless it has a body. Its stream never throws. */
export function begin(session: ClientHttp2Session, { path, token, headers = {}, body, open = false }: RawCall): ClientHttp2Stream {
  const stream = session.request({
    ...{ ":method": "POST", ":path": path, te: "trailers", "content-type": "application/grpc" },
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...headers,
  });
  stream.on("error", () => undefined);
  stream.resume();
  if (body) stream.write(body);
  if (!open) stream.end();
  return stream;
}

/** The status's name once the call has ended. */
export async function statusOf(stream: ClientHttp2Stream, waitMs = ANSWER_MS): Promise<string> {
  let code: string | undefined;
  const read = (headers: Record<string, unknown>) => {
    if (headers["grpc-status"] !== undefined) code = String(headers["grpc-status"]);
  };
  stream.on("response", read);
  stream.on("trailers", read);
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => {
    stream.destroy();
    resolve("no answer");
  }, waitMs);
  const ended = () => resolve(code === undefined ? "reset" : (status[Number(code)] ?? code));
  if (stream.closed || stream.destroyed) ended();
  else stream.once("close", ended);
  const answer = await promise;
  clearTimeout(timer);
  return answer;
}

export async function call(session: ClientHttp2Session, raw: RawCall, waitMs?: number): Promise<string> {
  return session.destroyed ? "reset" : statusOf(begin(session, raw), waitMs);
}

/** A gRPC message: a flag, a length, the bytes. */
export function prefixed(message: Uint8Array, { compressed = false, length = message.length } = {}): Buffer {
  const bytes = Buffer.alloc(5 + message.length);
  bytes[0] = compressed ? 1 : 0;
  bytes.writeUInt32BE(length, 1);
  bytes.set(message, 5);
  return bytes;
}

export function count(answers: Answers, answer: string): void {
  answers[answer] = (answers[answer] ?? 0) + 1;
}

/** Resolves at the first of these events, or after `ms`. */
export async function eventOf(emitter: EventEmitter, events: readonly string[], ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => resolve();
  for (const event of events) emitter.on(event, done);
  const timer = setTimeout(done, ms);
  await promise;
  clearTimeout(timer);
  for (const event of events) emitter.off(event, done);
}
