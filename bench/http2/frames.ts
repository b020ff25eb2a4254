/**
 * HTTP/2 framing (RFC 9113, section 4.1), as much as the bench's own peers need: a stub and a load generator that speak it by hand use a
 * tenth of the CPU of node:http2, so that what is measured is the other side. They are no servers or clients for real use.
 */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const FRAME = { data: 0, headers: 1, resetStream: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const;
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const;
export const SETTING = { headerTableSize: 1, maxConcurrentStreams: 3, initialWindowSize: 4 } as const;
/** Initial window of both sides, in bytes. */
export const WINDOW_BYTES = 65_535;
/** No window may be larger. */
export const WINDOW_BYTES_MAX = 2 ** 31 - 1;
/** Largest frame payload that every peer must accept. */
export const PAYLOAD_BYTES_MAX = 16_384;
const HEAD_BYTES = 9;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * settings.length);
  for (const [i, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, 6 * i);
    payload.writeUInt32BE(value, 6 * i + 2);
  }
  return frame(FRAME.settings, 0, 0, payload);
}

export function readSettings(payload: Buffer): Map<number, number> {
  const settings = new Map<number, number>();
  for (let at = 0; at + 6 <= payload.length; at += 6) settings.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
  return settings;
}

export function windowUpdateFrame(stream: number, bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(FRAME.windowUpdate, 0, stream, payload);
}

/** Error codes of RST_STREAM and GOAWAY (section 7). */
export const ERROR = { cancel: 8 } as const;

export function resetFrame(stream: number, error: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(error);
  return frame(FRAME.resetStream, 0, stream, payload);
}

/** The window is replenished after this many bytes, long before it is empty. */
const GIVEN_BACK_BYTES = 2 ** 24;

/** Counts the payload that a connection received, and lets the peer send as much again. */
export function createReceivedWindow(write: (bytes: Buffer) => void): (bytes: number) => void {
  let received = 0;
  return (bytes) => {
    received += bytes;
    if (received < GIVEN_BACK_BYTES) return;
    write(windowUpdateFrame(0, received));
    received = 0;
  };
}

export type OnFrame = (type: number, flags: number, stream: number, payload: Buffer) => void;

/** Splits a socket's bytes into frames. A payload is valid only during its call. */
export function createFrameReader(onFrame: OnFrame): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      onFrame(bytes[at + 3]!, bytes[at + 4]!, bytes.readUInt32BE(at + 5) & 0x7fff_ffff, bytes.subarray(at + HEAD_BYTES, end));
      at = end;
    }
    rest = bytes.subarray(at);
  };
}

/** Writes the frames of one event-loop turn at once. */
export function createFrameWriter(write: (bytes: Buffer) => void): (bytes: Buffer) => void {
  let waiting: Buffer[] = [];
  const flush = () => {
    const all = waiting;
    waiting = [];
    write(all.length === 1 ? all[0]! : Buffer.concat(all));
  };
  return (bytes) => {
    if (waiting.push(bytes) === 1) queueMicrotask(flush);
  };
}
