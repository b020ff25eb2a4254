import { CONTENT_PARTS, type ContentPart } from "../delivery/channel.ts";
import { canonicalForm } from "./codec.ts";
import { type Content, contentValues } from "./content.ts";
import { richParts } from "./rich.ts";

/** What is kept where, and for how long. */
export interface ContentBounds {
  /** Bytes of JSON up to which a part is kept in its notification and travels in its tasks. */
  inlineBytesMax: number;
  /** ms after the last expiry of the notifications that use it. */
  keepMs: number;
  /** keepUntil is rounded up to a multiple of this, in ms, so that most uses of a shared content need not write it again. */
  keepStepMs: number;
}

export const CONTENT_BOUNDS: ContentBounds = {
  // Bytes of SQLite's log that one change of a delivery writes (bench/content-bytes.ts), in its notification / apart from it:
  // 1 KiB 8,240 / 8,240; 4 KiB 20,600 / 8,240; 8 KiB 24,720 / 8,240; 16 KiB 32,960 / 8,240; 64 KiB 82,400 / 8,240; 512 KiB 543,840 / 8,240.
  // Apart costs 12,360 bytes and a second write at acceptance, and a read in the dispatcher. Pushes and texts, at most 4 KiB and many, stay
  // below this bound and never pay that.
  inlineBytesMax: 8_192,
  // A month, so that an operator can redrive what failed; a redrive moves it on.
  keepMs: 30 * 86_400_000,
  keepStepMs: 3_600_000,
};

/**
 * How long a content or blob stays once no notification refers to it any more, in ms. A gateway may be about to insert another one that refers to it: it put
 * the content, or learned that the blob is there (BLOB_KNOWN_MS), within this time, and its write may come late.
 */
export const RELEASE_MS = 300_000;
/** How long a purge leaves alone what was old and still referred to, in ms. */
export const REFERRED_KEEP_MS = 86_400_000;

/** Hashes of the parts that are kept in the content store. */
export type ContentHashes = Partial<Record<ContentPart, string>>;

/** A content, its large parts apart from the rest. */
export interface SplitContent {
  inline: Content;
  /** Absent where every part is small. */
  hashes?: ContentHashes;
  /** Those of the large parts that only some dispatchers can send (rich.ts); absent where there are none. */
  richApart?: ContentPart[];
  large: { hash: string; content: Content }[];
}

/** @param hashOf of a canonical form: hex SHA-256 */
export function splitContent(content: Content, inlineBytesMax: number, hashOf: (canonical: string) => string): SplitContent {
  const inline: Content = { ...content };
  const hashes: ContentHashes = {};
  const large: SplitContent["large"] = [];
  for (const part of CONTENT_PARTS) {
    if (content[part] === undefined || isSmall(content[part], inlineBytesMax)) continue;
    const alone: Content = { [part]: content[part] };
    const hash = hashOf(canonicalForm(contentValues(alone)));
    delete inline[part];
    hashes[part] = hash;
    large.push({ hash, content: alone });
  }
  if (large.length === 0) return { inline, large };
  const richApart = richParts(content).filter((part) => hashes[part] !== undefined);
  return { inline, hashes, large, ...(richApart.length > 0 ? { richApart } : {}) };
}

const isSmall = (part: unknown, bytesMax: number) => Buffer.byteLength(JSON.stringify(part)) <= bytesMax;

/** Until when a content must be kept that is used until `expiresAt`; ms since the epoch. */
export const contentKeepUntil = (expiresAt: number, { keepMs, keepStepMs }: ContentBounds) =>
  Math.ceil((expiresAt + keepMs) / keepStepMs) * keepStepMs;
