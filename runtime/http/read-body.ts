import type { IncomingMessage } from "node:http";
import type { BodySlots } from "./body-slots.ts";

export type ReadBody =
  | { kind: "whole"; body: Buffer; release(): void }
  /** What is not read yet stays unread. */
  | { kind: "too-large" }
  | { kind: "no-slot" };

/** A body of at most `bytesMax`, within its slot, which the caller releases. Rejects where the sender broke off. */
export function readBody(message: IncomingMessage, bytesMax: number, slots: BodySlots): Promise<ReadBody> {
  if (Number(message.headers["content-length"] ?? 0) > bytesMax) return Promise.resolve({ kind: "too-large" });
  return new Promise((resolve, reject) => {
    const slot = slots.take(() => stop({ kind: "no-slot" }));
    if (slot === undefined) return resolve({ kind: "no-slot" });
    let chunks: Buffer[] = [];
    let bytes = 0;
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) return stop({ kind: "too-large" });
      chunks.push(chunk);
      slot.grow(chunk.length);
    };
    const onEnd = () => {
      slot.whole();
      leave();
      resolve({ kind: "whole", body: Buffer.concat(chunks), release: slot.release });
    };
    const onBroken = () => {
      slot.release();
      leave();
      reject(new Error("the request was cut off"));
    };
    const leave = () => {
      message.off("data", onData).off("end", onEnd).off("error", onBroken).off("close", onBroken);
      // Errors that come later concern a body nobody reads.
      message.on("error", () => undefined);
    };
    function stop(result: ReadBody): void {
      slot?.release();
      leave();
      message.pause();
      chunks = [];
      resolve(result);
    }
    message.on("data", onData).once("end", onEnd).once("error", onBroken).once("close", onBroken);
  });
}
