import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import type { PreferenceRecord } from "../../core/preferences/opt-out.ts";
import { bucketKey, bucketOf, consentMember, member, SENTINEL, subjectHash, unconfirmedKey } from "./opt-out-keys.ts";
import { CHUNK } from "./pipelines.ts";
import { endedConsents, lastingConsents, refusalsOf } from "./set-members.ts";
import { CHAIN_KEEP_MS, ChainBrokenError, type WriteChain, writeNext } from "./write-chain.ts";

const SCRIPTS = {
  fillConsents: readFileSync(new URL("./consent-fill.lua", import.meta.url), "utf8"),
  fill: readFileSync(new URL("./opt-out-fill.lua", import.meta.url), "utf8"),
  seal: readFileSync(new URL("./opt-out-seal.lua", import.meta.url), "utf8"),
  unsealed: readFileSync(new URL("./opt-out-unsealed.lua", import.meta.url), "utf8"),
};

const REBUILD_KEY = "carillon:opt-out:rebuild";
/** How often processes that do not fill buckets met one that is not complete. */
const INCOMPLETE_KEY = "carillon:opt-out:incomplete";

/** The part of the opt-out sets (OptOutSets) that finds buckets which are not complete, and fills them from the store. */
export interface OptOutBuckets {
  /** For whoever fills buckets: some are not complete. */
  reportIncomplete(): Promise<void>;
  /** Changes with every report, and when Redis loses it. */
  incompleteReports(): Promise<string | undefined>;
  unsealed(): Promise<number[]>;
  unsealAll(chain: WriteChain): Promise<void>;
  /** Begins the chain, and to fill buckets. The mark is a signed 64-bit integer that was not used before. */
  markBuckets(buckets: readonly number[], mark: string, chain: WriteChain): Promise<void>;
  /** Adds without comparing versions, to fill marked buckets; what changed meanwhile is applied before they are sealed. Returns the number of members sent. */
  fill(records: readonly PreferenceRecord[], only: ReadonlySet<number>, chain: WriteChain): Promise<number>;
  /** Returns the number of buckets sealed; the others lost their mark and stay unknown. */
  seal(buckets: readonly number[], mark: string, chain: WriteChain): Promise<number>;
  /** A lock, so that one process rebuilds at a time; it saves work and correctness does not depend on it. True if `holder` has it, for `ttlMs`. */
  holdRebuild(holder: string, ttlMs: number): Promise<boolean>;
  releaseRebuild(holder: string): Promise<void>;
}

export function createOptOutBuckets(redis: Redis, buckets: number): OptOutBuckets {
  const everyBucket = Array.from({ length: buckets }, (_, bucket) => bucket);

  /** SADD or SREM in buckets, a chunk at a time. */
  async function change(
    chain: WriteChain,
    command: "SADD" | "SREM",
    entries: readonly { bucket: number; members: readonly string[] }[],
  ): Promise<void> {
    // Without entries too: a chain that is not written to expires.
    for (let i = 0; i === 0 || i < entries.length; i += CHUNK) {
      const chunk = entries.slice(i, i + CHUNK);
      const keys = chunk.map(({ bucket }) => bucketKey(bucket));
      const args = chunk.flatMap(({ members }) => [members.length, ...members]);
      await writeNext(chain, (expected, next) =>
        redis.eval(SCRIPTS.fill, 1 + keys.length, chain.key, ...keys, expected, next, CHAIN_KEEP_MS, command, ...args),
      );
    }
  }

  async function fillConsents(
    chain: WriteChain,
    entries: readonly { hash: bigint; bucket: number; members: readonly string[] }[],
  ): Promise<void> {
    for (let i = 0; i < entries.length; i += CHUNK) {
      const chunk = entries.slice(i, i + CHUNK);
      const keys = chunk.flatMap(({ hash, bucket }) => [bucketKey(bucket), unconfirmedKey(hash, bucket)]);
      const args = chunk.flatMap(({ members }) => [members.length, ...members]);
      await writeNext(chain, (expected, next) =>
        redis.eval(SCRIPTS.fillConsents, 1 + keys.length, chain.key, ...keys, expected, next, CHAIN_KEEP_MS, ...args),
      );
    }
  }

  return {
    async reportIncomplete() {
      await redis.incr(INCOMPLETE_KEY);
    },
    incompleteReports: async () => (await redis.get(INCOMPLETE_KEY)) ?? undefined,
    async unsealed() {
      const found: number[] = [];
      // A script for each chunk: a command for each of 16,384 buckets left garbage of 50 MB in a process that has nothing else to do.
      for (let i = 0; i < buckets; i += CHUNK) {
        const keys = everyBucket.slice(i, i + CHUNK).map(bucketKey);
        const places = (await redis.eval(SCRIPTS.unsealed, keys.length, ...keys, SENTINEL)) as number[];
        found.push(...places.map((place) => i + place - 1));
      }
      return found;
    },
    unsealAll: (chain) =>
      change(
        chain,
        "SREM",
        everyBucket.map((bucket) => ({ bucket, members: [SENTINEL] })),
      ),
    async markBuckets(marked, mark, chain) {
      await redis.set(chain.key, chain.link, "PX", CHAIN_KEEP_MS);
      await change(
        chain,
        "SADD",
        marked.map((bucket) => ({ bucket, members: [mark] })),
      );
    },
    async fill(records, only, chain) {
      const here = records.flatMap((record) => {
        const hash = subjectHash(record.app, record.subject);
        const bucket = bucketOf(hash, buckets);
        return only.has(bucket) ? [{ record, hash, bucket }] : [];
      });
      const membersOf = (of: (entry: (typeof here)[number]) => string[]) =>
        here.map((entry) => ({ ...entry, members: of(entry) })).filter(({ members }) => members.length > 0);
      const optOuts = membersOf(({ record, hash }) => refusalsOf(record).map((r) => member(hash, r)));
      await change(chain, "SADD", optOuts);
      const consents = membersOf(({ record, hash }) => lastingConsents(record).map((c) => consentMember(hash, c)));
      await fillConsents(chain, consents);
      // A bucket that came back from an old copy may hold them.
      const ended = membersOf(({ record, hash }) => endedConsents(record).map((c) => consentMember(hash, c)));
      if (ended.length > 0) await change(chain, "SREM", ended);
      return [...optOuts, ...consents].reduce((sum, { members }) => sum + members.length, 0);
    },
    async seal(marked, mark, chain) {
      let sealed = 0;
      for (let i = 0; i < marked.length; i += CHUNK) {
        const keys = marked.slice(i, i + CHUNK).map(bucketKey);
        const count = Number(await redis.eval(SCRIPTS.seal, 1 + keys.length, chain.key, ...keys, chain.link, mark, SENTINEL));
        if (count < 0) throw new ChainBrokenError("a write of the rebuild is missing: another server answers");
        sealed += count;
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
