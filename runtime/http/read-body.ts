import type { IncomingMessage } from "node:http";
import type { BodySlots } from "./body-slots.ts";
import { receiveBody } from "./receive-body.ts";

export type ReadBody =
  | { kind: "whole"; body: Buffer; release(): void }
  /** What is not read yet stays unread. */
  | { kind: "too-large" }
  | { kind: "no-slot" };

/** A body of at most `bytesMax`, within its slot, which the caller releases. Rejects where the sender broke off. */
export function readBody(message: IncomingMessage, bytesMax: number, slots: BodySlots): Promise<ReadBody> {
  if (Number(message.headers["content-length"] ?? 0) > bytesMax) return Promise.resolve({ kind: "too-large" });
  return new Promise((resolve, reject) => {
    const slot = slots.take(() => stop("no-slot"));
    if (slot === undefined) return resolve({ kind: "no-slot" });
    const stop = receiveBody<"no-slot">(message, bytesMax, {
      onPiece: slot.grow,
      onEnd(body) {
        if (Buffer.isBuffer(body)) {
          slot.whole();
          return resolve({ kind: "whole", body, release: slot.release });
        }
        slot.release();
        if (body === "cut-off") reject(new Error("the request was cut off"));
        else resolve({ kind: body });
      },
    });
  });
}
