import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import type { Channel } from "../../core/delivery/channel.ts";
import { choicesThatApply, type OptOut, type PreferenceRecord } from "../../core/preferences/opt-out.ts";
import { createOptOutBuckets, type OptOutBuckets } from "./opt-out-buckets.ts";
import {
  bucketKey,
  bucketOf,
  consentMember,
  member,
  OPT_OUT_BUCKETS,
  SENTINEL,
  subjectHash,
  sweepsKey,
  unconfirmedKey,
  versionKey,
} from "./opt-out-keys.ts";
import { answersOf, CHUNK, inPipelines } from "./pipelines.ts";
import { endedConsents, lastingConsents, refusalsOf } from "./set-members.ts";
import { CHAIN_KEEP_MS, type WriteChain, writeNext } from "./write-chain.ts";

// What Redis holds and under which keys: opt-out-keys.ts.

const SCRIPTS = {
  add: readFileSync(new URL("./opt-out-add.lua", import.meta.url), "utf8"),
  apply: readFileSync(new URL("./opt-out-apply.lua", import.meta.url), "utf8"),
  read: readFileSync(new URL("./opt-out-read.lua", import.meta.url), "utf8"),
  swept: readFileSync(new URL("./opt-out-swept.lua", import.meta.url), "utf8"),
};

/** Of versions and chains. Far longer than a change takes from the store to Redis. */
export const KEPT_MS = CHAIN_KEEP_MS;
/** A write that its caller saw fail may be stored later, when the store's other members have caught up; not after a day. */
const UNCONFIRMED_KEEP_MS = 86_400_000;

const SWEPT_KEY = "carillon:opt-out:swept";
/** Not touched; a user may be limited to keys of ours. */
const NO_CHAIN_KEY = "carillon:chain:none";
const NO_SWEEPS_KEY = "carillon:opt-out:sweeps:none";

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

/** The record of a subject as of a version, and the opt-outs that the sets must not hold any more. */
export interface OptOutChange {
  record: PreferenceRecord;
  withdrawn: readonly OptOut[];
  /** It may be older than the versions that Redis remembers: then `withdrawn` is ignored, and no consent is added. */
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
export interface OptOutSets extends OptOutBuckets {
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
}

export function createOptOutSets(redis: Redis, buckets = OPT_OUT_BUCKETS): OptOutSets {
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
      await inPipelines(redis, changes, (pipeline, { id, app, subject, optOuts, consents }) => {
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
          const [gone, consents] = isLate ? [[], []] : [withdrawn, lastingConsents(record)];
          const ended = endedConsents(record);
          args.push(version, confirms, optOuts.length, gone.length, consents.length, ended.length);
          for (const r of [...optOuts, ...gone]) args.push(member(hash, r));
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

    ...createOptOutBuckets(redis, buckets),
  };
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
