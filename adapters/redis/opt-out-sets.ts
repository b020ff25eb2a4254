import { readFileSync } from "node:fs";
import type { ChainableCommander, Redis } from "ioredis";
import { LRUCache } from "lru-cache";
import type { Channel } from "../../core/delivery/channel.ts";
import { type OptOut, optOutsThatApply, type PreferenceRecord } from "../../core/preferences/opt-out.ts";
import { hash64 } from "../../runtime/hash.ts";

// One logical set of opt-outs, split into buckets so that each one stays an intset (9 bytes a member instead of 88):
//   carillon:opt-out:{bucket}   hash64(app, subject) xor hash64(channel | "*", category | "*") of every opt-out of the subjects here,
//                              and the sentinel once the bucket is complete. Without it the bucket is unknown, not empty.
//   carillon:optver:…          the newest version applied of one subject, for VERSION_KEEP_MS
//   carillon:opt-out:swept      every change written before this moment (ms) is in the sealed buckets; it ages with the data,
//                              so a Redis restored from an old snapshot shows how old it is
// A member may outlive its opt-out but is never missing while the opt-out holds, so a reader confirms a found member with the store.

const APPLY = readFileSync(new URL("./opt-out-apply.lua", import.meta.url), "utf8");
const SEAL = readFileSync(new URL("./opt-out-seal.lua", import.meta.url), "utf8");

/** Times the 512 of Redis's set-max-intset-entries: 8 million opt-outs before the first bucket turns into a hash table. */
const OPT_OUT_BUCKETS = 16_384;
const SENTINEL = "0";
/** Far longer than a change takes from the store to Redis. */
const VERSION_KEEP_MS = 60_000;
/** Commands or keys sent at once, so that no single one holds up Redis for more than about a millisecond. */
const CHUNK = 512;

const SWEPT_KEY = "carillon:opt-out:swept";
const REBUILD_KEY = "carillon:opt-out:rebuild";

export interface OptOutProbe {
  app: string;
  subject: string;
  channel: Channel;
  category: string;
}

/** "none" or "some" of the opt-outs that forbid sending are in the set; "unknown": the bucket is not complete. */
export type OptOutReading = "none" | "some" | "unknown";

/** The opt-outs of a subject as of a version, and those it withdrew. */
export interface OptOutChange {
  record: PreferenceRecord;
  withdrawn: readonly OptOut[];
}

/** The opt-out sets in Redis. Every method rejects if Redis is unavailable or slow; convert the error with redisFault(). */
export interface OptOutSets {
  read(probes: readonly OptOutProbe[]): Promise<OptOutReading[]>;
  /** In any order: an older version never overwrites a newer one. */
  apply(changes: readonly OptOutChange[]): Promise<void>;
  /** ms since the epoch; undefined if Redis has no such moment. */
  sweptAt(): Promise<number | undefined>;
  setSweptAt(at: number): Promise<void>;
  unsealed(): Promise<number[]>;
  unsealAll(): Promise<void>;
  /** Begins to fill buckets. The mark is a signed 64-bit integer that was not used before. */
  markBuckets(buckets: readonly number[], mark: string): Promise<void>;
  /** Adds without comparing versions, to fill marked buckets. Returns the number of members sent. */
  fill(records: readonly PreferenceRecord[], only: ReadonlySet<number>): Promise<number>;
  /** Returns the number of buckets sealed; the others lost their mark and stay unknown. */
  seal(buckets: readonly number[], mark: string): Promise<number>;
  /** A lock, so that one process rebuilds at a time; it saves work and correctness does not depend on it. True if `holder` has it, for `ttlMs`. */
  holdRebuild(holder: string, ttlMs: number): Promise<boolean>;
  releaseRebuild(holder: string): Promise<void>;
}

const subjectHash = (app: string, subject: string) => BigInt(hash64(app, subject));
const bucketOf = (subject: bigint, buckets: number) => Number(BigInt.asUintN(64, subject) % BigInt(buckets));
const bucketKey = (bucket: number) => `carillon:opt-out:{${bucket}}`;
const versionKey = (subject: bigint, bucket: number) => `carillon:optver:{${bucket}}:${subject}`;

/** Categories are few; hashing them again for every question would take most of its time. */
const OPT_OUTS_REMEMBERED = 10_000;
const optOutHashes = new LRUCache<string, bigint>({ max: OPT_OUTS_REMEMBERED });

function optOutHash({ channel, category }: OptOut): bigint {
  const key = `${channel} ${category}`;
  const known = optOutHashes.get(key);
  if (known !== undefined) return known;
  const hash = BigInt(hash64("opt-out", channel, category));
  optOutHashes.set(key, hash);
  return hash;
}

/** Both are 64 random bits, so their exclusive or is as good as a hash of all four words. */
const member = (subject: bigint, optOut: OptOut) => (subject ^ optOutHash(optOut)).toString();

export function createOptOutSets(redis: Redis, buckets = OPT_OUT_BUCKETS): OptOutSets {
  const everyBucket = Array.from({ length: buckets }, (_, bucket) => bucket);

  const inPipelines = async <T>(items: readonly T[], command: (pipeline: ChainableCommander, item: T) => void): Promise<unknown[]> => {
    const answers: unknown[] = [];
    for (let i = 0; i < items.length; i += CHUNK) {
      const pipeline = redis.pipeline();
      for (const item of items.slice(i, i + CHUNK)) command(pipeline, item);
      for (const [error, answer] of (await pipeline.exec()) ?? []) {
        if (error) throw error;
        answers.push(answer);
      }
    }
    if (answers.length !== items.length) throw new Error("Redis answered with a wrong number of results");
    return answers;
  };

  return {
    async read(probes) {
      const answers = await inPipelines(probes, (pipeline, { app, subject, channel, category }) => {
        const hash = subjectHash(app, subject);
        const members = optOutsThatApply(channel, category).map((r) => member(hash, r));
        pipeline.smismember(bucketKey(bucketOf(hash, buckets)), SENTINEL, ...members);
      });
      return answers.map(readingOf);
    },

    async apply(changes) {
      for (let i = 0; i < changes.length; i += CHUNK) {
        const keys: string[] = [];
        const args: (string | number)[] = [VERSION_KEEP_MS];
        for (const { record, withdrawn } of changes.slice(i, i + CHUNK)) {
          const { app, subject, version, optOuts } = record;
          const hash = subjectHash(app, subject);
          const bucket = bucketOf(hash, buckets);
          keys.push(bucketKey(bucket), versionKey(hash, bucket));
          args.push(version, optOuts.length, withdrawn.length);
          for (const r of [...optOuts, ...withdrawn]) args.push(member(hash, r));
        }
        await redis.eval(APPLY, keys.length, ...keys, ...args);
      }
    },

    async sweptAt() {
      const at = Number((await redis.get(SWEPT_KEY)) ?? Number.NaN);
      return Number.isFinite(at) ? at : undefined;
    },
    async setSweptAt(at) {
      await redis.set(SWEPT_KEY, at);
    },

    async unsealed() {
      const answers = await inPipelines(everyBucket, (pipeline, bucket) => pipeline.sismember(bucketKey(bucket), SENTINEL));
      return everyBucket.filter((bucket) => answers[bucket] !== 1);
    },
    async unsealAll() {
      await inPipelines(everyBucket, (pipeline, bucket) => pipeline.srem(bucketKey(bucket), SENTINEL));
    },
    async markBuckets(marked, mark) {
      await inPipelines(marked, (pipeline, bucket) => pipeline.sadd(bucketKey(bucket), mark));
    },
    async fill(records, only) {
      const members = records.flatMap(({ app, subject, optOuts }) => {
        const hash = subjectHash(app, subject);
        const bucket = bucketOf(hash, buckets);
        return only.has(bucket) && optOuts.length > 0 ? [{ bucket, members: optOuts.map((r) => member(hash, r)) }] : [];
      });
      await inPipelines(members, (pipeline, m) => pipeline.sadd(bucketKey(m.bucket), ...m.members));
      return members.reduce((sum, m) => sum + m.members.length, 0);
    },
    async seal(marked, mark) {
      let sealed = 0;
      for (let i = 0; i < marked.length; i += CHUNK) {
        const keys = marked.slice(i, i + CHUNK).map(bucketKey);
        sealed += Number(await redis.eval(SEAL, keys.length, ...keys, mark, SENTINEL));
      }
      return sealed;
    },

    async holdRebuild(holder, ttlMs) {
      if ((await redis.set(REBUILD_KEY, holder, "PX", ttlMs, "NX")) === "OK") return true;
      if ((await redis.get(REBUILD_KEY)) !== holder) return false;
      await redis.pexpire(REBUILD_KEY, ttlMs);
      return true;
    },
    async releaseRebuild(holder) {
      if ((await redis.get(REBUILD_KEY)) === holder) await redis.del(REBUILD_KEY);
    },
  };
}

function readingOf(answer: unknown): OptOutReading {
  if (!Array.isArray(answer) || answer[0] !== 1) return "unknown";
  return answer.slice(1).includes(1) ? "some" : "none";
}
