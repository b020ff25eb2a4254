import { FLAG, FRAME, frame, PAYLOAD_BYTES_MAX, WINDOW_BYTES } from "./frames.ts";

/** Sends request bodies as far as the windows of the connection and of each stream allow (RFC 9113, section 5.2). */
export interface Outgoing {
  send(stream: number, body: Buffer): void;
  /** WINDOW_UPDATE; stream 0 is the whole connection. */
  grant(stream: number, bytes: number): void;
  /** SETTINGS_INITIAL_WINDOW_SIZE. */
  startWindow(bytes: number): void;
  /** The stream has ended: what is left of its body is not sent. */
  drop(stream: number): void;
}

export function createOutgoing(write: (bytes: Buffer) => void): Outgoing {
  const waiting = new Map<number, { rest: Buffer; window: number }>();
  let [connectionWindow, initialWindow] = [WINDOW_BYTES, WINDOW_BYTES];

  const sendMore = (stream: number) => {
    const body = waiting.get(stream)!;
    for (;;) {
      const bytes = Math.min(body.rest.length, connectionWindow, body.window, PAYLOAD_BYTES_MAX);
      if (bytes <= 0) return;
      connectionWindow -= bytes;
      body.window -= bytes;
      const part = body.rest.subarray(0, bytes);
      body.rest = body.rest.subarray(bytes);
      const isLast = body.rest.length === 0;
      write(frame(FRAME.data, isLast ? FLAG.endStream : 0, stream, part));
      if (isLast) return void waiting.delete(stream);
    }
  };
  const sendAll = () => {
    for (const stream of waiting.keys()) sendMore(stream);
  };
  return {
    send(stream, body) {
      waiting.set(stream, { rest: body, window: initialWindow });
      sendMore(stream);
    },
    grant(stream, bytes) {
      const body = waiting.get(stream);
      if (stream === 0) connectionWindow += bytes;
      else if (body) body.window += bytes;
      sendAll();
    },
    startWindow(bytes) {
      for (const body of waiting.values()) body.window += bytes - initialWindow;
      initialWindow = bytes;
      sendAll();
    },
    drop: (stream) => void waiting.delete(stream),
  };
}
