import { readBlob } from "../core/content/blob.ts";
import { blobIdsOf, type EmailContent } from "../core/content/email-content.ts";
import type { StoredBlob } from "../core/ports/blob-store.ts";
import type { Settlement } from "../core/ports/queue.ts";
import type { Store } from "../core/ports/store.ts";
import { createStateLog } from "../runtime/state-log.ts";
import { type BlobMemory, createBlobMemory } from "./blob-memory.ts";
import { CONTENT_UNREADABLE_WAIT_MS } from "./content-loader.ts";
import { type ContentLostParts, createContentLost } from "./content-lost.ts";
import type { Dispatch } from "./needs-guard.ts";

/** Until a mail for whose files there was no room is redelivered, perhaps to another dispatcher, in ms. */
export const NO_ROOM_WAIT_MS = 1_000;
/** The detail of content-lost. */
const LOST = "an attachment's blob";

export interface BlobLoaderParts extends ContentLostParts {
  store: ContentLostParts["store"] & Pick<Store, "blobs">;
  /** Absent: of BLOB_MEMORY_BYTES. */
  memory?: BlobMemory;
}

/**
 * Reads the stored files that a mail attaches, before anything is claimed, and holds room for them until it is sent. While the store cannot be read, or there is no
 * room, the task returns to the queue.
 */
export function createBlobLoader(dispatch: Dispatch, parts: BlobLoaderParts): Dispatch {
  const { channel, store, clock, log, metrics } = parts;
  const memory = parts.memory ?? createBlobMemory(clock);
  const endLost = createContentLost(parts);
  const state = createStateLog(
    log,
    { lost: "blobs cannot be read; their tasks return to the queue", back: "blobs can be read again" },
    clock.monotonic,
  );

  const again = (why: string, delayMs: number): Settlement => {
    metrics.settled.inc({ channel, settlement: "nak", why });
    return { kind: "nak", delayMs };
  };

  /** The mail with its files; "lost" where the store has one of them no more. */
  async function fill(email: EmailContent, blobs: ReadonlyMap<string, StoredBlob>): Promise<EmailContent | "lost"> {
    const files = new Map<string, string>();
    for (const [id, blob] of blobs) {
      const bytes = await readBlob(store.blobs, blob);
      if (bytes === undefined) return "lost";
      files.set(id, bytes.toString("base64"));
    }
    const attachments = (email.attachments ?? []).map(({ blobId, ...file }) =>
      blobId === undefined ? file : { ...file, base64: files.get(blobId) },
    );
    return { ...email, attachments };
  }

  return async (task, holder) => {
    const { email } = task.content;
    const ids = email === undefined ? [] : blobIdsOf(email);
    if (email === undefined || ids.length === 0 || task.statusQuery || task.expiresAt <= clock.now()) return dispatch(task, holder);
    let release: (() => void) | undefined;
    try {
      let filled: EmailContent | "lost" | undefined;
      try {
        const blobs = new Map<string, StoredBlob>();
        for (const id of ids) {
          const blob = await store.blobs.find(task.app, id);
          if (blob === undefined) return await endLost(task, LOST);
          blobs.set(id, blob);
        }
        const bytes = (email.attachments ?? []).reduce((sum, { blobId }) => sum + (blobs.get(blobId ?? "")?.bytes ?? 0), 0);
        release = await memory.hold(bytes);
        if (release === undefined) return again("no-room-for-files", NO_ROOM_WAIT_MS);
        filled = await fill(email, blobs);
        state.works();
      } catch (error) {
        state.fails({ err: error });
        return again("content-unreadable", CONTENT_UNREADABLE_WAIT_MS);
      }
      if (filled === "lost") return await endLost(task, LOST);
      return await dispatch({ ...task, content: { ...task.content, email: filled } }, holder);
    } finally {
      release?.();
    }
  };
}
