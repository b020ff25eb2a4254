import { blobIdsOf } from "../core/content/email-content.ts";
import { filesFault } from "../core/content/email-faults.ts";
import { type ContentBounds, contentKeepUntil } from "../core/content/reference.ts";
import type { BlobStore, StoredBlob } from "../core/ports/blob-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { CallError } from "../runtime/call-error.ts";
import type { Fault } from "./check.ts";
import { expiresAtOf } from "./route.ts";
import { type Candidate, faultsError } from "./screen.ts";

/** Blobs of which it is remembered how long they are kept: a campaign attaches few, each many times. */
const REMEMBERED_MAX = 1_000;

/** For how long this is used, in ms: shorter than RELEASE_MS, after which a blob may be gone that nothing refers to. */
const BLOB_KNOWN_MS = 60_000;

interface Kept {
  keepUntil: number;
  /** By the process's own clock. */
  askedAt: number;
  blob: Promise<StoredBlob | undefined>;
}

/**
 * Has the blobs that a candidate attaches kept for as long as it may be sent; why it cannot be accepted, where the app has one of them no more, or all files together
 * are too large. Rejects with a StoreError.
 */
export type AttachedBlobs = (app: string, candidate: Candidate) => Promise<CallError | undefined>;

export function createAttachedBlobs(
  blobs: Pick<BlobStore, "find" | "keep">,
  bounds: ContentBounds,
  clock: Pick<Clock, "now" | "monotonic">,
): AttachedBlobs {
  const remembered = new Map<string, Kept>();

  /** What is kept until then already needs no write. */
  async function keep(app: string, id: string, keepUntil: number): Promise<StoredBlob | undefined> {
    const key = `${id} ${app}`;
    const known = remembered.get(key);
    const askedAt = clock.monotonic();
    if (known && known.keepUntil >= keepUntil && askedAt - known.askedAt < BLOB_KNOWN_MS) return known.blob;
    const kept: Kept = { keepUntil, askedAt, blob: blobs.keep(app, id, keepUntil) };
    remembered.delete(key);
    remembered.set(key, kept);
    for (const oldest of remembered.keys()) {
      if (remembered.size <= REMEMBERED_MAX) break;
      remembered.delete(oldest);
    }
    const forget = () => {
      if (remembered.get(key) === kept) remembered.delete(key);
    };
    const found = await kept.blob.catch((error: unknown) => {
      forget();
      throw error;
    });
    if (found === undefined) forget();
    return found;
  }

  return async (app, { request, path, validateOnly }) => {
    const { email } = request.content;
    if (email === undefined) return undefined;
    const keepUntil = contentKeepUntil(expiresAtOf(request, clock.now()), bounds);
    const ids = blobIdsOf(email);
    if (ids.length === 0) return undefined;
    const found = await Promise.all(ids.map((id) => (validateOnly ? blobs.find(app, id) : keep(app, id, keepUntil))));
    const bytesOf = new Map(found.flatMap((blob) => (blob === undefined ? [] : [[blob.id, blob.bytes] as const])));
    const { attachments = [] } = email;
    const missing = attachments.flatMap(({ blobId }, i) => (blobId === undefined || bytesOf.has(blobId) ? [] : [missingFault(i)]));
    const bytes = attachments.reduce((sum, { blobId = "" }) => sum + (bytesOf.get(blobId) ?? 0), 0);
    const tooMany = filesFault(email, bytes);
    const faults = tooMany === undefined ? missing : [...missing, tooMany];
    return faults.length > 0 ? faultsError(path, faults) : undefined;
  };
}

const missingFault = (index: number): Fault => ({
  field: `content.email.attachments[${index}].blob_id`,
  rule: "blob.found",
  message: "is no blob of this app, or one that has expired; put the file with BlobService.PutBlob",
});
