import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../core/ports/clock.ts";
import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import type { OptOut, PreferenceRecord } from "../../core/preferences/opt-out.ts";
import { OPT_OUT_BOUND } from "../../core/preferences/opt-out-bound.ts";
import { DeadlineError } from "../../runtime/deadline.ts";
import type { Logger } from "../../runtime/logger.ts";
import { createStateLog } from "../../runtime/state-log.ts";
import { redisFault } from "../redis/connect.ts";
import { StoreError } from "../store/store-error.ts";
import {
  createOptOutSets,
  KEPT_MS,
  type OptOutProbe,
  type OptOutReading,
  OtherServerError,
  type UnconfirmedChange,
} from "./opt-out-sets.ts";
import { reconnectTogether } from "./reconnect-together.ts";
import { inChunks, OVERLAP_MS, rebuildUnsealed } from "./redis-rebuild.ts";
import { endedOptOuts } from "./set-members.ts";
import { ChainBrokenError, newChain } from "./write-chain.ts";

/** From the start of one sweep to the start of the next. */
export const SWEEP_MS = 1_000;
/** How long the opt-out sets are used after the start of a completed sweep. A sweep that takes more than the rest only costs reads of the store. */
export const TRUST_MS = OPT_OUT_BOUND.trustMs;
/** A service that spreads commands over servers would be logged at every reconnection. */
const OTHER_SERVER_LOG_MS = 60_000;
/** Changes without the store's confirmation are remembered so long, in ms, and so many: each was answered UNAVAILABLE and is likely to be repeated. */
const UNCONFIRMED_MS = 3_600_000;
const UNCONFIRMED_MAX = 10_000;
/** For a command of a sweep or a rebuild; no call waits for it. */
const BACKGROUND_DEADLINE_MS = 5_000;

/**
 * After this long from the beginning of a change, in ms, it takes no opt-out out of Redis, and puts no consent there: half as long as Redis knows which
 * versions were applied. A process that was paused would take out the opt-out of a newer version, or put back a consent that it withdrew. A member too
 * many or too few costs reads of the store, until the next rebuild.
 */
export const WITHDRAWN_WITHIN_MS = KEPT_MS / 2;

/** A moment by both clocks: the monotonic one stands still while a machine is suspended. */
export interface Since {
  monotonic: number;
  now: number;
}

/** Another process's clock may be behind ours: for it a pause lasts longer. */
const ENDED_FOR_MS = 60_000;

interface Unconfirmed extends UnconfirmedChange {
  since: number;
}

export interface BegunChange {
  /** The store has confirmed it. If Redis does not take that, the sets are not used until a sweep has written it. Never rejects. */
  stored(record: PreferenceRecord, withdrawn: readonly OptOut[]): Promise<void>;
}

/** The opt-out sets in Redis, used only while they are complete and current. */
export interface RedisOptOuts extends AsyncDisposable {
  /** "unknown" where Redis is unavailable, slow, behind the store or incomplete. Never rejects. */
  read(probes: readonly OptOutProbe[]): Promise<OptOutReading[]>;
  /**
   * Before a change is written to the store. Its opt-outs are added at once, and the consents that it withdraws or gives an end are removed: the write may
   * end in a time-out and be stored later, when no sweep looks for it any more. What is not stored costs reads of the store. Never rejects.
   */
  begin(app: string, subject: string, adds: Pick<UnconfirmedChange, "optOuts" | "consents">): Promise<BegunChange>;
  /**
   * Takes out the opt-outs of a record that have ended by themselves: nothing else would, and each costs a read of the store at every question. Never
   * rejects. @param since before the record was read, by both clocks
   */
  dropEnded(record: PreferenceRecord, since: Since): Promise<void>;
  /** Whether the sets are used now. */
  readonly trusted: boolean;
}

/**
 * Every process sweeps: it writes what changed in the store since the last sweep to Redis again. This repairs a crash between the two
 * writes, an outage, and a restart of Redis from an old snapshot. A process that cannot sweep does not use Redis.
 *
 * A failover may keep connections open: then one of the two would still lead to the old server. So the writes of a sweep are one chain, and each
 * read also asks for the sweep's count: what was swept over the one connection must be found over the other, or both are made anew.
 */
export function createRedisOptOuts(deps: {
  store: PreferenceStore;
  redis: Redis;
  clock: Clock;
  log: Logger;
  buckets?: number | undefined;
  rebuilds?: boolean | undefined;
}): RedisOptOuts {
  const { store, redis, clock, log, buckets, rebuilds: mayRebuild = true } = deps;
  const holder = randomBytes(8).toString("hex");
  const background = redis.duplicate({ commandTimeout: BACKGROUND_DEADLINE_MS });
  const sets = createOptOutSets(redis, buckets);
  const backgroundSets = createOptOutSets(background, buckets);
  const stopping = new AbortController();

  const unconfirmed = new LRUCache<string, Unconfirmed>({
    max: UNCONFIRMED_MAX,
    ttl: UNCONFIRMED_MS,
    perf: { now: () => clock.monotonic() },
  });
  /** Counts lost connections: the next connection may lead to another Redis, or to older data. */
  let losses = 0;
  let sweeps = 0;
  /** The last completed sweep, and until when it is used. */
  let proof = { count: 0, until: Number.NEGATIVE_INFINITY };
  let sweptAt = Number.POSITIVE_INFINITY;
  /** Of a process that does not rebuild: it is told to those that do. */
  let rebuildWanted = true;
  let knownReports: string | undefined;
  let rebuilding: Promise<void> | undefined;
  let wake = () => {};
  let loggedTrusted: boolean | undefined;
  let otherServerLoggedAt = Number.NEGATIVE_INFINITY;
  const rebuilds = createStateLog(
    log,
    { lost: "rebuilding the Redis opt-out sets fails; retrying", back: "rebuilding the Redis opt-out sets works again" },
    clock.monotonic,
  );

  const isLate = ({ monotonic, now }: Since) => Math.max(clock.monotonic() - monotonic, clock.now() - now) > WITHDRAWN_WITHIN_MS;
  const trusted = () => clock.monotonic() < proof.until;
  const distrust = (reason: string) => {
    proof = { ...proof, until: Number.NEGATIVE_INFINITY };
    if (loggedTrusted !== false) log.warn({ reason }, "Redis opt-out sets not in use; reading the store until a sweep succeeds");
    loggedTrusted = false;
  };
  const connections = reconnectTogether([redis, background], {
    lost() {
      losses++;
      rebuildWanted = true;
      distrust("not-connected");
    },
    back: () => wake(),
  });
  /** Converts an error. Where two connections lead to different servers, or one server lost writes, both are made anew. */
  const faultOf = (error: unknown): string => {
    if (error instanceof StoreError || error instanceof DeadlineError) return "store";
    if (!(error instanceof OtherServerError || error instanceof ChainBrokenError)) return redisFault(error);
    connections.reconnect();
    if (clock.monotonic() - otherServerLoggedAt >= OTHER_SERVER_LOG_MS) {
      otherServerLoggedAt = clock.monotonic();
      log.warn(
        "the connections to Redis lead to different servers, or one lost writes; if this repeats, REDIS_URL leads to several servers",
      );
    }
    return "other-server";
  };
  background.on("error", () => undefined);
  const connecting = background.connect().catch(() => undefined);

  async function sweep(): Promise<void> {
    const began = clock.monotonic();
    const now = clock.now();
    const lossesBefore = losses;
    const isSame = () => losses === lossesBefore && !stopping.signal.aborted;
    const chain = newChain(`sweep:${holder}`);
    const count = ++sweeps;
    const known = await backgroundSets.beginSweep(chain);
    if (known === undefined) {
      // The age of the sealed buckets is unknown.
      await backgroundSets.unsealAll(chain);
      rebuildWanted = true;
    } else {
      // Redis may hold data older than our last sweep, and another process's clock may be ahead of ours.
      for await (const records of inChunks(clock, store.changedSince(Math.min(known, sweptAt, now) - OVERLAP_MS), stopping.signal)) {
        if (!isSame()) return;
        const changes = records.map((record) => ({ record, withdrawn: [] }));
        await backgroundSets.apply(changes, chain);
      }
    }
    // Redis may have lost them, and the store may yet store them.
    await backgroundSets.add([...unconfirmed.values()].filter(({ since }) => since <= began - SWEEP_MS));
    if (!isSame()) return;
    await backgroundSets.endSweep(chain, { at: now, sweeper: holder, count });
    await sets.confirmSweep({ sweeper: holder, count });
    if (!isSame()) return;
    sweptAt = now;
    proof = { count, until: began + TRUST_MS };
    if (!loggedTrusted) log.info("Redis opt-out sets in use");
    loggedTrusted = true;
    if (mayRebuild) {
      const reports = await backgroundSets.incompleteReports();
      if (reports !== knownReports) rebuildWanted = true;
      knownReports = reports;
    } else if (rebuildWanted) {
      await backgroundSets.reportIncomplete();
      rebuildWanted = false;
    }
    if (rebuildWanted)
      rebuilding ??= rebuild(isSame).finally(() => {
        rebuilding = undefined;
      });
  }

  async function rebuild(mayContinue: () => boolean): Promise<void> {
    const began = clock.monotonic();
    try {
      const end = await rebuildUnsealed({ store, sets: backgroundSets, clock, holder, signal: stopping.signal, mayContinue });
      rebuilds.works();
      if (end.kind === "complete") rebuildWanted = false;
      if (end.kind === "complete" && end.buckets > 0)
        log.info({ ...end, elapsedMs: Math.round(clock.monotonic() - began) }, "Redis opt-out sets rebuilt");
    } catch (error) {
      rebuilds.fails(faultOf(error));
    }
  }

  async function run(): Promise<void> {
    // Otherwise the first sweep of every start would fail, and be logged as an outage. It ends with the first try, which disposal ends, too.
    await connecting;
    while (!stopping.signal.aborted) {
      const awake = new AbortController();
      wake = () => awake.abort();
      const pause = clock.sleep(SWEEP_MS, AbortSignal.any([awake.signal, stopping.signal]));
      try {
        await sweep();
      } catch (error) {
        if (stopping.signal.aborted) return;
        // One failed sweep is tolerated: TRUST_MS is longer than SWEEP_MS.
        const fault = faultOf(error);
        if (!trusted()) distrust(fault);
      }
      await pause;
    }
  }
  const running = run();

  return {
    get trusted() {
      return trusted();
    },
    async read(probes) {
      const unknown = () => probes.map((): OptOutReading => "unknown");
      if (probes.length === 0 || !trusted()) return unknown();
      const lossesBefore = losses;
      const { count, until } = proof;
      try {
        const readings = await sets.read(probes, { sweeper: holder, count });
        // By the clock again: the process may have been paused since.
        if (losses !== lossesBefore || !trusted() || clock.monotonic() >= until) return unknown();
        if (readings.includes("unknown")) rebuildWanted = true;
        return readings;
      } catch (error) {
        distrust(faultOf(error));
        return unknown();
      }
    },
    async begin(app, subject, { optOuts, consents }) {
      const id = randomBytes(9).toString("base64url");
      const change: Unconfirmed = { id, app, subject, optOuts, consents, since: clock.monotonic() };
      const began = { monotonic: change.since, now: clock.now() };
      if (optOuts.length + consents.length > 0) {
        unconfirmed.set(id, change);
        await sets.add([change]).catch((error: unknown) => distrust(faultOf(error)));
      }
      return {
        async stored(record, withdrawn) {
          try {
            await sets.apply([{ record, withdrawn, isLate: isLate(began), confirms: id }]);
            unconfirmed.delete(id);
          } catch (error) {
            distrust(faultOf(error));
          }
        },
      };
    },
    async dropEnded(record, since) {
      const ended = endedOptOuts(record, clock.now() - ENDED_FOR_MS);
      if (ended.length === 0) return;
      await sets.apply([{ record, withdrawn: ended, isLate: isLate(since) }]).catch((error: unknown) => distrust(faultOf(error)));
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      connections[Symbol.dispose]();
      background.disconnect();
      await running;
      await rebuilding;
    },
  };
}
