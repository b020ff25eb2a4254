// A stub of APNs that answers every push with 200 and parses only where a request ends, so that its CPU time does not limit the measurement.
import { readFileSync } from "node:fs";
import { createServer } from "node:tls";
import { answering } from "../answering.ts";
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

/** The same limit as APNs. */
const STREAMS_MAX = 1_000;
/** ":status: 200" is entry 8 of HPACK's static table. */
const STATUS_200 = Buffer.of(0x88);

const [certFile = "", keyFile = ""] = process.argv.slice(2);
let taken = 0;
const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile), ALPNProtocols: ["h2"] }, (socket) => {
  // Otherwise an answer waits for the acknowledgement of the one before: up to 40 ms.
  socket.setNoDelay(true);
  const write = createFrameWriter((bytes) => socket.write(bytes));
  const received = createReceivedWindow(write);
  const read = createFrameReader((type, flags, stream, payload) => {
    if (type === FRAME.data) received(payload.length);
    else if (type === FRAME.settings && (flags & FLAG.ack) === 0) write(frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(0)));
    else if (type === FRAME.ping && (flags & FLAG.ack) === 0) write(frame(FRAME.ping, FLAG.ack, 0, payload));
    if ((type === FRAME.data || type === FRAME.headers) && (flags & FLAG.endStream) !== 0) {
      taken++;
      write(frame(FRAME.headers, FLAG.endStream | FLAG.endHeaders, stream, STATUS_200));
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
answering(() => {
  const address = server.address();
  return { origin: `https://127.0.0.1:${typeof address === "object" ? address?.port : 0}`, taken };
});
