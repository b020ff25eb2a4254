import type { BlobStore } from "../core/ports/blob-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { createStateLog } from "../runtime/state-log.ts";

/** Between two purges, in ms: a file is kept for days, and every relay purges. */
export const BLOB_PURGE_EVERY_MS = 60_000;
/** Files removed in one go: 2,000 MB at most, in chunks of the store's. */
const BLOBS_MAX = 100;

/** Removes files whose time is over: nobody else does, and each has up to 20 MiB. Resolves once `signal` has aborted. */
export async function purgeBlobs(
  blobs: Pick<BlobStore, "purge">,
  { clock, log, signal }: { clock: Pick<Clock, "now" | "monotonic" | "sleep">; log: Logger; signal: AbortSignal },
): Promise<void> {
  const state = createStateLog(
    log,
    { lost: "removing stored files fails; they are kept longer", back: "removing stored files works again" },
    clock.monotonic,
  );
  while (!signal.aborted) {
    await clock.sleep(BLOB_PURGE_EVERY_MS, signal);
    if (signal.aborted) return;
    try {
      await blobs.purge(clock.now(), BLOBS_MAX);
      state.works();
    } catch (error) {
      state.fails({ err: error });
    }
  }
}
