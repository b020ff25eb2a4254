import type { IncomingMessage } from "node:http";
import { callError } from "../call-error.ts";
import { PIECE_BYTES } from "../grpc/limits.ts";
import type { Charged } from "../grpc/request-shares.ts";
import { type SharedLimits, tooMuch } from "../grpc/shared-limits.ts";
import { receiveBody } from "../http/receive-body.ts";
import type { HttpFault } from "./error-answer.ts";

/** Bytes of one body: of a method that takes more over gRPC, a quarter of it, because JSON is held several times while it is read. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** A body is in memory three times until its message has been read: in pieces, in one piece, and as text. */
const COPIES = 3;

export const cutOff = callError("CANCELLED", "CANCELLED", "the request was cut off");

export const tooLarge = (max: number): HttpFault => ({
  error: callError("INVALID_ARGUMENT", "MESSAGE_TOO_LARGE", `the message is larger than ${max} bytes, the most of this method`),
  ...{ status: 413, rejected: "body-size" },
});

/** A call whose body is read. */
export interface Charge extends Charged {
  receiving: boolean;
  /** It was ended to make room for others. */
  gaveWay: boolean;
  /** Ends the reading of its body; undefined: the reading has not begun. */
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

/** The body, each piece of which is charged to the bytes under way when it arrives. What is not read stays with the sender. */
export function receive(message: IncomingMessage, bytesMax: number, call: Charge, { shares }: SharedLimits): Promise<Buffer | HttpFault> {
  return new Promise((resolve) => {
    call.stop = receiveBody<HttpFault>(message, bytesMax, {
      onPiece: (bytes) => shares.charge(call, COPIES * bytes + PIECE_BYTES),
      onEnd(body) {
        if (body === "cut-off") resolve({ error: cutOff, rejected: "malformed" });
        else resolve(body === "too-large" ? tooLarge(bytesMax) : body);
      },
    });
  });
}
