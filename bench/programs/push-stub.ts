// A stub of APNs that answers every push with 200 and parses only where a request ends, so that its CPU time does not limit the measurement. While it
// watches a range of tagged notifications, it also looks for the tag in each body.
import { readFileSync } from "node:fs";
import { createServer } from "node:tls";
import { answering } from "../answering.ts";
import { createDelayed } from "../delayed.ts";
import {
  createFrameReader,
  createFrameWriter,
  createReceivedWindow,
  FLAG,
  FRAME,
  frame,
  PREFACE,
  SETTING,
  settingsFrame,
  WINDOW_BYTES,
  WINDOW_BYTES_MAX,
  windowUpdateFrame,
} from "../http2/frames.ts";
import { type Arrivals, createArrivals, type Watch } from "../load/arrivals.ts";

export interface StubQuestion {
  /** How long after a push it is answered, from now on. */
  delayMs?: number;
  /** Begins to record the arrivals of these notifications, instead of those before. */
  watch?: Watch;
  /** The answer is an ArrivalsReport. */
  report?: boolean;
}

/** The same limit as APNs. */
const STREAMS_MAX = 1_000;
/** ":status: 200" is entry 8 of HPACK's static table. */
const STATUS_200 = Buffer.of(0x88);

const [certFile = "", keyFile = ""] = process.argv.slice(2);
let taken = 0;
let arrivals: Arrivals | undefined;
const delayed = createDelayed();
const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile), ALPNProtocols: ["h2"] }, (socket) => {
  // Otherwise an answer waits for the acknowledgement of the one before: up to 40 ms.
  socket.setNoDelay(true);
  const write = createFrameWriter((bytes) => socket.write(bytes));
  const received = createReceivedWindow(write);
  const read = createFrameReader((type, flags, stream, payload) => {
    if (type === FRAME.data) {
      received(payload.length);
      arrivals?.add(payload);
    } else if (type === FRAME.settings && (flags & FLAG.ack) === 0) write(frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(0)));
    else if (type === FRAME.ping && (flags & FLAG.ack) === 0) write(frame(FRAME.ping, FLAG.ack, 0, payload));
    if ((type === FRAME.data || type === FRAME.headers) && (flags & FLAG.endStream) !== 0) {
      taken++;
      delayed.run(() => write(frame(FRAME.headers, FLAG.endStream | FLAG.endHeaders, stream, STATUS_200)));
    }
  });
  let preface = 0;
  socket.on("data", (chunk: Buffer) => {
    const rest = chunk.subarray(PREFACE.length - preface);
    preface = Math.min(PREFACE.length, preface + chunk.length);
    if (rest.length > 0) read(rest);
  });
  socket.on("error", () => socket.destroy());
  write(
    settingsFrame([
      [SETTING.maxConcurrentStreams, STREAMS_MAX],
      [SETTING.initialWindowSize, WINDOW_BYTES_MAX],
    ]),
  );
  write(windowUpdateFrame(0, WINDOW_BYTES_MAX - WINDOW_BYTES));
});
server.listen(0, "127.0.0.1");
answering(({ delayMs, watch, report }: StubQuestion) => {
  if (delayMs !== undefined) delayed.delayMs = delayMs;
  if (watch) arrivals = createArrivals(watch);
  if (report) return arrivals?.report();
  const address = server.address();
  return { origin: `https://127.0.0.1:${typeof address === "object" ? address?.port : 0}`, taken };
});
