import { LRUCache } from "lru-cache";
import type { OptOut } from "../../core/preferences/opt-out.ts";
import { hash64 } from "../../runtime/hash.ts";

// One logical set of opt-outs and consents, split into buckets so that each one stays an intset (8 to 10 bytes a member instead of 33):
//   carillon:opt-out:{bucket}   hash64(app, subject) xor hash64("opt-out" | "consent", channel | "*", category | "*") of every opt-out and every lasting
//                              consent of the subjects here, and the sentinel once the bucket is complete. Without it the bucket is unknown, not empty.
//   carillon:optver:…          the newest version applied of one subject, for KEPT_MS
//   carillon:optunconfirmed:…  the changes of one subject whose write to the store is not confirmed, for UNCONFIRMED_KEEP_MS
//   carillon:opt-out:swept      every change written before this moment (ms) is in the sealed buckets; it ages with the data,
//                              so a Redis restored from an old snapshot shows how old it is
//   carillon:opt-out:sweeps:…   the number of the last sweep of one process, which its reads ask for, too
//   carillon:opt-out:incomplete a counter: readers add one where they meet a bucket that is not complete, and the preferences service fills it
// An opt-out's member may outlive it but is never missing while it holds, so a reader confirms a found member with the store. With consents it is the
// other way round: a member may be missing, and then the reader asks the store, but is never found after the consent was withdrawn.

/** Few enough that a million opt-outs fill them, and enough that ten million still make intsets of a thousand. See operations/opt-out-memory/. */
export const OPT_OUT_BUCKETS = 16_384;

/** The member by which a bucket is known to be complete. */
export const SENTINEL = "0";

export const subjectHash = (app: string, subject: string) => BigInt(hash64(app, subject));
export const bucketOf = (subject: bigint, buckets: number) => Number(BigInt.asUintN(64, subject) % BigInt(buckets));
export const bucketKey = (bucket: number) => `carillon:opt-out:{${bucket}}`;
export const versionKey = (subject: bigint, bucket: number) => `carillon:optver:{${bucket}}:${subject}`;
export const unconfirmedKey = (subject: bigint, bucket: number) => `carillon:optunconfirmed:{${bucket}}:${subject}`;
export const sweepsKey = (sweeper: string) => `carillon:opt-out:sweeps:${sweeper}`;

/** Categories are few; hashing them again for every question would take most of its time. */
const CHOICES_REMEMBERED = 20_000;
const choiceHashes = new LRUCache<string, bigint>({ max: CHOICES_REMEMBERED });

function choiceHash(kind: "opt-out" | "consent", { channel, category }: OptOut): bigint {
  const key = `${kind} ${channel} ${category}`;
  const known = choiceHashes.get(key);
  if (known !== undefined) return known;
  const hash = BigInt(hash64(kind, channel, category));
  choiceHashes.set(key, hash);
  return hash;
}

/** Both are 64 random bits, so their exclusive or is as good as a hash of all four words. */
export const member = (subject: bigint, optOut: OptOut) => (subject ^ choiceHash("opt-out", optOut)).toString();
export const consentMember = (subject: bigint, consent: OptOut) => (subject ^ choiceHash("consent", consent)).toString();
