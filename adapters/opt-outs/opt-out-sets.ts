import { readFileSync } from "node:fs";
import type { ChainableCommander, Redis } from "ioredis";
import type { Channel } from "../../core/delivery/channel.ts";
import { choicesThatApply, type OptOut, type PreferenceRecord } from "../../core/preferences/opt-out.ts";
import {
  bucketKey,
  bucketOf,
  consentMember,
  member,
  OPT_OUT_BUCKETS,
  subjectHash,
  sweepsKey,
  unconfirmedKey,
  versionKey,
} from "./opt-out-keys.ts";
import { endedConsents, lastingConsents, refusalsOf } from "./set-members.ts";
import { CHAIN_KEEP_MS, ChainBrokenError, type WriteChain, writeNext } from "./write-chain.ts";

// What Redis holds and under which keys: opt-out-keys.ts.

const SCRIPTS = {
  add: readFileSync(new URL("./opt-out-add.lua", import.meta.url), "utf8"),
  apply: readFileSync(new URL("./opt-out-apply.lua", import.meta.url), "utf8"),
  read: readFileSync(new URL("./opt-out-read.lua", import.meta.url), "utf8"),
  fillConsents: readFileSync(new URL("./consent-fill.lua", import.meta.url), "utf8"),
  fill: readFileSync(new URL("./opt-out-fill.lua", import.meta.url), "utf8"),
  seal: readFileSync(new URL("./opt-out-seal.lua", import.meta.url), "utf8"),
  swept: readFileSync(new URL("./opt-out-swept.lua", import.meta.url), "utf8"),
};

const SENTINEL = "0";
/** Of versions and chains. Far longer than a change takes from the store to Redis. */
export const KEPT_MS = CHAIN_KEEP_MS;
/** A write that its caller saw fail may be stored later, when the store's other members have caught up; not after a day. */
const UNCONFIRMED_KEEP_MS = 86_400_000;
/** Commands or keys sent at once, so that no single one holds up Redis for more than about a millisecond. */
const CHUNK = 512;

const SWEPT_KEY = "carillon:opt-out:swept";
/** Not touched; a user may be limited to keys of ours. */
const NO_CHAIN_KEY = "carillon:chain:none";
const NO_SWEEPS_KEY = "carillon:opt-out:sweeps:none";
const REBUILD_KEY = "carillon:opt-out:rebuild";
/** How often processes that do not fill buckets met one that is not complete. */
const INCOMPLETE_KEY = "carillon:opt-out:incomplete";

export interface OptOutProbe {
  app: string;
  subject: string;
  channel: Channel;
  category: string;
  /** Whether consents are asked for, too. */
  consents?: boolean;
}

/**
 * "none" or "some" of the opt-outs that forbid sending are in the set; "consented": none, and a consent that was asked for; "unknown": the bucket
 * is not complete.
 */
export type OptOutReading = "none" | "consented" | "some" | "unknown";

/** The record of a subject as of a version, and what the sets hold no longer of it. */
export interface OptOutChange {
  record: PreferenceRecord;
  withdrawn: readonly OptOut[];
  /** Its consents are not added: it may be older than what Redis remembers of versions. */
  isLate?: boolean;
  /** The added change that the store has confirmed with it. */
  confirms?: string | undefined;
}

/** A change whose write to the store is not confirmed. */
export interface UnconfirmedChange {
  id: string;
  app: string;
  subject: string;
  /** That it adds. */
  optOuts: readonly OptOut[];
  /** That it withdraws, or gives an end. */
  consents: readonly OptOut[];
}

/** Which sweep of which process; a later one contains the earlier. */
export interface Sweep {
  sweeper: string;
  count: number;
}

/** A read was answered by a server that lacks a sweep. */
export class OtherServerError extends Error {
  override name = "OtherServerError";
}

/**
 * The opt-out sets in Redis. Every method rejects if Redis is unavailable or slow; convert the error with redisFault(). Those of a chain reject
 * with a ChainBrokenError where the server lacks an earlier write of it.
 */
export interface OptOutSets {
  /** Rejects with an OtherServerError where the server lacks the sweep that is given. */
  read(probes: readonly OptOutProbe[], after?: Sweep): Promise<OptOutReading[]>;
  /** Before the write to the store. Opt-outs stay, and consents are missing, at least until the change is confirmed. */
  add(changes: readonly UnconfirmedChange[]): Promise<void>;
  /** In any order: an older version never overwrites a newer one. */
  apply(changes: readonly OptOutChange[], chain?: WriteChain): Promise<void>;
  /** Begins the chain. The answer is in ms since the epoch; undefined if Redis has no such moment. */
  beginSweep(chain: WriteChain): Promise<number | undefined>;
  endSweep(chain: WriteChain, end: Sweep & { at: number }): Promise<void>;
  /** Rejects with an OtherServerError where the server lacks this sweep. */
  confirmSweep(sweep: Sweep): Promise<void>;
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

export function createOptOutSets(redis: Redis, buckets = OPT_OUT_BUCKETS): OptOutSets {
  const everyBucket = Array.from({ length: buckets }, (_, bucket) => bucket);

  const inPipelines = async <T>(items: readonly T[], command: (pipeline: ChainableCommander, item: T) => void): Promise<unknown[]> => {
    const answers: unknown[] = [];
    for (let i = 0; i < items.length; i += CHUNK) {
      const pipeline = redis.pipeline();
      for (const item of items.slice(i, i + CHUNK)) command(pipeline, item);
      answers.push(...(await answersOf(pipeline)));
    }
    if (answers.length !== items.length) throw new Error("Redis answered with a wrong number of results");
    return answers;
  };

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
    async read(probes, after) {
      const groups = probes.flatMap((probe) => groupsOf(probe, buckets));
      const letters: string[] = [];
      for (let i = 0; i < groups.length; i += CHUNK) {
        const chunk = groups.slice(i, i + CHUNK);
        const keys = [after ? sweepsKey(after.sweeper) : NO_SWEEPS_KEY, ...chunk.map(({ bucket }) => bucketKey(bucket))];
        const members = chunk.flatMap((group) => group.members);
        const perGroup = members.length / chunk.length;
        const answer = await redis.eval(SCRIPTS.read, keys.length, ...keys, after?.count ?? 0, SENTINEL, perGroup, ...members);
        if (answer === null) throw new OtherServerError("the server that answered lacks the last sweep");
        letters.push(...lettersOf(answer, chunk.length));
      }
      let at = 0;
      return probes.map(({ consents }) => {
        const reading = READING_OF[letters[at++]!]!;
        const hasConsent = consents && READING_OF[letters[at++]!] === "some";
        return hasConsent && reading === "none" ? "consented" : reading;
      });
    },

    async add(changes) {
      await inPipelines(changes, (pipeline, { id, app, subject, optOuts, consents }) => {
        const hash = subjectHash(app, subject);
        const bucket = bucketOf(hash, buckets);
        const members = [...optOuts.map((r) => member(hash, r)), ...consents.map((c) => consentMember(hash, c))];
        const keys = [bucketKey(bucket), unconfirmedKey(hash, bucket)];
        pipeline.eval(SCRIPTS.add, keys.length, ...keys, id, UNCONFIRMED_KEEP_MS, optOuts.length, ...members);
      });
    },

    async apply(changes, chain) {
      for (let i = 0; i < changes.length; i += CHUNK) {
        const keys: string[] = [];
        const args: (string | number)[] = [];
        for (const { record, withdrawn, isLate, confirms = "" } of changes.slice(i, i + CHUNK)) {
          const { app, subject, version } = record;
          const optOuts = refusalsOf(record);
          const hash = subjectHash(app, subject);
          const bucket = bucketOf(hash, buckets);
          keys.push(bucketKey(bucket), versionKey(hash, bucket), unconfirmedKey(hash, bucket));
          const [consents, ended] = [isLate ? [] : lastingConsents(record), endedConsents(record)];
          args.push(version, confirms, optOuts.length, isLate ? 0 : withdrawn.length, consents.length, ended.length);
          for (const r of isLate ? optOuts : [...optOuts, ...withdrawn]) args.push(member(hash, r));
          for (const c of [...consents, ...ended]) args.push(consentMember(hash, c));
        }
        const write = (chainKey: string, expected: string, next: string) =>
          redis.eval(SCRIPTS.apply, 1 + keys.length, chainKey, ...keys, expected, next, KEPT_MS, ...args);
        if (chain) await writeNext(chain, (expected, next) => write(chain.key, expected, next));
        else await write(NO_CHAIN_KEY, "", "");
      }
    },

    async beginSweep(chain) {
      const [, swept] = await answersOf(redis.multi().set(chain.key, chain.link, "PX", CHAIN_KEEP_MS).get(SWEPT_KEY));
      const at = Number(swept ?? Number.NaN);
      return Number.isFinite(at) ? at : undefined;
    },
    async endSweep(chain, { at, sweeper, count }) {
      await writeNext(chain, (expected) =>
        redis.eval(SCRIPTS.swept, 3, chain.key, SWEPT_KEY, sweepsKey(sweeper), expected, at, count, KEPT_MS),
      );
    },
    async confirmSweep({ sweeper, count }) {
      if (!hasSwept(await redis.get(sweepsKey(sweeper)), count))
        throw new OtherServerError("the server that answered lacks the last sweep");
    },

    async reportIncomplete() {
      await redis.incr(INCOMPLETE_KEY);
    },
    incompleteReports: async () => (await redis.get(INCOMPLETE_KEY)) ?? undefined,
    async unsealed() {
      const answers = await inPipelines(everyBucket, (pipeline, bucket) => pipeline.sismember(bucketKey(bucket), SENTINEL));
      return everyBucket.filter((bucket) => answers[bucket] !== 1);
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

/** Rejects with the first error among the answers. */
async function answersOf(pipeline: ChainableCommander): Promise<unknown[]> {
  return ((await pipeline.exec()) ?? []).map(([error, answer]) => {
    if (error) throw error;
    return answer;
  });
}

const hasSwept = (answer: unknown, count: number) => Number(answer ?? Number.NaN) >= count;

const READING_OF: Readonly<Record<string, "unknown" | "some" | "none">> = { u: "unknown", s: "some", n: "none" };

function lettersOf(answer: unknown, count: number): string[] {
  const letters = typeof answer === "string" ? [...answer] : [];
  if (letters.length !== count || letters.some((letter) => !READING_OF[letter])) throw new Error("Redis answered with a wrong result");
  return letters;
}

/** What is asked of a bucket at once: a probe's opt-outs, and its consents where they count. */
function groupsOf({ app, subject, channel, category, consents }: OptOutProbe, buckets: number): { bucket: number; members: string[] }[] {
  const hash = subjectHash(app, subject);
  const bucket = bucketOf(hash, buckets);
  const about = choicesThatApply(channel, category);
  const optOuts = { bucket, members: about.map((choice) => member(hash, choice)) };
  return consents ? [optOuts, { bucket, members: about.map((choice) => consentMember(hash, choice)) }] : [optOuts];
}
