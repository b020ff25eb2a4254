import type { IncomingMessage } from "node:http";
import { callError } from "../call-error.ts";
import { PIECE_BYTES } from "../grpc/limits.ts";
import type { Charged } from "../grpc/request-shares.ts";
import { type SharedLimits, tooMuch } from "../grpc/shared-limits.ts";
import type { HttpFault } from "./error-answer.ts";

/** Bytes of one body: of a method that takes more over gRPC, a quarter of it, because JSON is held several times while it is read. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** How often a body is in memory before its message is: in pieces, in one piece, and as text. */
const COPIES = 3;

export const cutOff = callError("CANCELLED", "CANCELLED", "the request was cut off");

export const tooLarge = (max: number): HttpFault => ({
  error: callError("INVALID_ARGUMENT", "MESSAGE_TOO_LARGE", `the message is larger than ${max} bytes, the most of this method`),
  ...{ status: 413, rejected: "body-size" },
});

/** A call whose body is read. */
export interface Charge extends Charged {
  receiving: boolean;
  /** It has been charged for too much, and holds nothing any more. */
  gaveWay: boolean;
  /** Ends the reading of its body; undefined: it is not being read. */
  stop: ((what: HttpFault) => void) | undefined;
}

export const overloaded: HttpFault = { error: tooMuch, rejected: "overloaded" };

export function giveWay(call: Charge): void {
  call.gaveWay = true;
  call.stop?.(overloaded);
}

/** False where the call had to give way. */
export function isCharged(call: Charge, bytes: number, { shares }: SharedLimits): boolean {
  shares.charge(call, bytes);
  return !call.gaveWay;
}

/** The body, each piece charged to the bytes under way before it is kept. What is not read stays with the sender. */
export function receive(message: IncomingMessage, bytesMax: number, call: Charge, { shares }: SharedLimits): Promise<Buffer | HttpFault> {
  return new Promise((resolve) => {
    let pieces: Buffer[] = [];
    let length = 0;
    const stop = (result: Buffer | HttpFault) => {
      call.stop = undefined;
      message.off("data", onData).off("end", onEnd).off("close", onCut);
      message.pause();
      pieces = [];
      resolve(result);
    };
    const onCut = () => stop({ error: cutOff, rejected: "malformed" });
    const onEnd = () => stop(Buffer.concat(pieces, length));
    const onData = (piece: Buffer) => {
      length += piece.length;
      if (length > bytesMax) return stop(tooLarge(bytesMax));
      pieces.push(piece);
      shares.charge(call, COPIES * piece.length + PIECE_BYTES);
    };
    call.stop = stop;
    message.on("error", () => undefined);
    message.on("data", onData).once("end", onEnd).once("close", onCut);
  });
}
