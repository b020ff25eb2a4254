import type { Clock } from "../core/ports/clock.ts";

/**
 * Bytes of stored files of all mails under way in a dispatcher: one mail of the largest size (20 MiB) and a small one, or four of 5 MiB. While it is made, a mail takes
 * several times its files, for base64, JSON or MIME and the bytes that are written. Measured with 20 MiB: 126 MB as JSON over HTTP, 177 MB as MIME by a mail server, of the 384 MiB that
 * the chart gives a dispatcher.
 */
export const BLOB_MEMORY_BYTES = 24 * 1_048_576;
/** Mails that wait for room; each holds one of the places in which tasks are prepared (PREPARING_MIN). */
const WAITING_MAX = 4;
/** The longest wait for room, in ms: mails under way end sooner, as providers answer within seconds. */
const ROOM_WAIT_MS = 2_000;

export interface BlobMemory {
  /** Resolves with what gives the room back, in the order of the calls; undefined where there was none in time. */
  hold(bytes: number): Promise<(() => void) | undefined>;
}

interface Waiting {
  bytes: number;
  begin(): void;
}

export function createBlobMemory(clock: Pick<Clock, "after">, bytesMax = BLOB_MEMORY_BYTES): BlobMemory {
  let held = 0;
  const waiting: Waiting[] = [];
  // What is larger than all there is gets it all.
  const fits = (bytes: number) => held === 0 || held + bytes <= bytesMax;

  const beginWaiting = () => {
    while (waiting[0] && fits(waiting[0].bytes)) waiting.shift()!.begin();
  };

  function take(bytes: number): () => void {
    held += bytes;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      held -= bytes;
      beginWaiting();
    };
  }

  return {
    async hold(bytes) {
      if (waiting.length === 0 && fits(bytes)) return take(bytes);
      if (waiting.length >= WAITING_MAX) return undefined;
      const { promise, resolve } = Promise.withResolvers<(() => void) | undefined>();
      const own: Waiting = {
        bytes,
        begin() {
          cancel();
          resolve(take(bytes));
        },
      };
      const cancel = clock.after(ROOM_WAIT_MS, () => {
        waiting.splice(waiting.indexOf(own), 1);
        resolve(undefined);
        // Whoever stood behind it may be smaller.
        beginWaiting();
      });
      waiting.push(own);
      return promise;
    },
  };
}
