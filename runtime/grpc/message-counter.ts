import { type CallError, callError } from "../call-error.ts";
import type { MethodLimits } from "./methods.ts";
import type { Rejection } from "./rejections.ts";

export interface MessageFault {
  error: CallError;
  reason: Rejection;
}

/** Reads the five bytes before each message of a call: whether it is compressed, and its length. Sees each piece before it is kept. */
export interface MessageCounter {
  /** A fault of what has arrived. */
  piece(piece: Buffer): MessageFault | undefined;
  /** A fault of a request that ends here. */
  end(): MessageFault | undefined;
}

const PREFIX_BYTES = 5;

const compressed: MessageFault = {
  error: callError("UNIMPLEMENTED", "UNIMPLEMENTED", "compressed messages are not supported"),
  reason: "compressed",
};
const malformed = (message: string): MessageFault => ({ error: callError("INVALID_ARGUMENT", "MALFORMED", message), reason: "malformed" });
const badFlag = malformed("a message must begin with 0 and its length");
const cutOff = malformed("the request ended within a message");
const noMessage = malformed("the request ended without a message");
const tooMany = (max: number) => malformed(`a call of this method has ${max === 1 ? "one message" : `at most ${max} messages`}`);
const tooLarge = (max: number): MessageFault => ({
  error: callError("INVALID_ARGUMENT", "MESSAGE_TOO_LARGE", `the message is larger than ${max} bytes, the most of this method`),
  reason: "too-large",
});

export function createMessageCounter({
  messageBytesMax,
  messagesMax,
}: Pick<MethodLimits, "messageBytesMax" | "messagesMax">): MessageCounter {
  let messages = 0;
  let prefix = 0;
  let length = 0;
  /** Bytes of the message that are still to come. */
  let left = 0;
  return {
    piece(piece) {
      for (let at = 0; at < piece.length; ) {
        if (left > 0) {
          const taken = Math.min(left, piece.length - at);
          left -= taken;
          at += taken;
          continue;
        }
        const byte = piece[at++]!;
        if (prefix === 0) {
          if (byte === 1) return compressed;
          if (byte !== 0) return badFlag;
          if (++messages > messagesMax) return tooMany(messagesMax);
          length = 0;
        } else length = length * 256 + byte;
        if (++prefix < PREFIX_BYTES) continue;
        prefix = 0;
        if (length > messageBytesMax) return tooLarge(messageBytesMax);
        left = length;
      }
      return undefined;
    },
    end() {
      if (left > 0 || prefix > 0) return cutOff;
      return messages === 0 && messagesMax === 1 ? noMessage : undefined;
    },
  };
}
