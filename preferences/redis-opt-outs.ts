import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { redisFault } from "../adapters/redis/connect.ts";
import { createOptOutSets, type OptOutChange, type OptOutProbe, type OptOutReading } from "../adapters/redis/opt-out-sets.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { PreferenceStore } from "../core/ports/preference-store.ts";
import { DeadlineError } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import { inChunks, OVERLAP_MS, rebuildUnsealed } from "./redis-rebuild.ts";

/** From the start of one sweep to the start of the next. */
export const SWEEP_MS = 2_000;
/**
 * How long the opt-out sets are used after the start of a completed sweep. An opt-out that reached only the store is obeyed within
 * TRUST_MS + CACHE_MS = 4.5 s; the promise is 5 s. This leaves a sweep 1.5 s; a slower one only costs reads from the store.
 */
export const TRUST_MS = 3_500;
/** For a command of a sweep or a rebuild; no call waits for it. */
const BACKGROUND_DEADLINE_MS = 5_000;

/** The opt-out sets in Redis, used only while they are complete and current. */
export interface RedisOptOuts extends AsyncDisposable {
  /** "unknown" where Redis is unavailable, slow, behind the store or incomplete. Never rejects. */
  read(probes: readonly OptOutProbe[]): Promise<OptOutReading[]>;
  /** False if Redis did not take the change: the sets are then not used until a sweep has written it. Never rejects. */
  apply(change: OptOutChange): Promise<boolean>;
  /** Whether the sets are used now. */
  readonly trusted: boolean;
}

/**
 * Every process sweeps: it writes what changed in the store since the last sweep to Redis again. This repairs a crash between the two
 * writes, an outage, and a restart of Redis from an old snapshot. A process that cannot sweep does not use Redis.
 */
export function createRedisOptOuts(deps: {
  store: PreferenceStore;
  redis: Redis;
  clock: Clock;
  log: Logger;
  buckets?: number | undefined;
}): RedisOptOuts {
  const { store, redis, clock, log, buckets } = deps;
  const holder = randomBytes(8).toString("hex");
  const background = redis.duplicate({ commandTimeout: BACKGROUND_DEADLINE_MS });
  const sets = createOptOutSets(redis, buckets);
  const backgroundSets = createOptOutSets(background, buckets);
  const stopping = new AbortController();

  /** Counts lost connections: the next connection may lead to another Redis, or to older data. */
  let losses = 0;
  let trustedUntil = Number.NEGATIVE_INFINITY;
  let sweptAt = Number.POSITIVE_INFINITY;
  let rebuildWanted = true;
  let rebuilding: Promise<void> | undefined;
  let wake = () => {};
  let loggedTrusted = false;

  const trusted = () => clock.monotonic() < trustedUntil;
  const distrust = (reason: string) => {
    trustedUntil = Number.NEGATIVE_INFINITY;
    if (loggedTrusted) log.warn({ reason }, "Redis opt-out sets not in use; reading the store until a sweep succeeds");
    loggedTrusted = false;
  };
  const lost = () => {
    losses++;
    rebuildWanted = true;
    distrust("not-connected");
  };
  const back = () => wake();
  background.on("error", () => undefined);
  for (const connection of [redis, background]) {
    connection.on("close", lost);
    connection.on("ready", back);
  }
  background.connect().catch(() => undefined);

  async function sweep(): Promise<void> {
    const began = clock.monotonic();
    const now = clock.now();
    const lossesBefore = losses;
    const isSame = () => losses === lossesBefore && !stopping.signal.aborted;
    const known = await backgroundSets.sweptAt();
    if (known === undefined) {
      // The age of the sealed buckets is unknown.
      await backgroundSets.unsealAll();
      rebuildWanted = true;
    } else {
      // Redis may hold data older than our last sweep, and another process's clock may be ahead of ours.
      for await (const records of inChunks(clock, store.changedSince(Math.min(known, sweptAt, now) - OVERLAP_MS), stopping.signal)) {
        if (!isSame()) return;
        await backgroundSets.apply(records.map((record) => ({ record, withdrawn: [] })));
      }
    }
    if (!isSame()) return;
    await backgroundSets.setSweptAt(now);
    if (!isSame()) return;
    sweptAt = now;
    trustedUntil = began + TRUST_MS;
    if (!loggedTrusted) log.info("Redis opt-out sets in use");
    loggedTrusted = true;
    if (rebuildWanted)
      rebuilding ??= rebuild(isSame).finally(() => {
        rebuilding = undefined;
      });
  }

  async function rebuild(mayContinue: () => boolean): Promise<void> {
    const began = clock.monotonic();
    try {
      const end = await rebuildUnsealed({ store, sets: backgroundSets, clock, holder, signal: stopping.signal, mayContinue });
      if (end.kind === "complete") rebuildWanted = false;
      if (end.kind === "complete" && end.buckets > 0)
        log.info({ ...end, elapsedMs: Math.round(clock.monotonic() - began) }, "Redis opt-out sets rebuilt");
    } catch (error) {
      log.warn({ fault: sweepFault(error) }, "rebuilding the Redis opt-out sets failed; retrying");
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const awake = new AbortController();
      wake = () => awake.abort();
      const pause = clock.sleep(SWEEP_MS, AbortSignal.any([awake.signal, stopping.signal]));
      try {
        await sweep();
      } catch (error) {
        if (stopping.signal.aborted) return;
        // One failed sweep is tolerated: TRUST_MS is longer than SWEEP_MS.
        if (!trusted()) distrust(sweepFault(error));
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
      try {
        const readings = await sets.read(probes);
        if (losses !== lossesBefore || !trusted()) return unknown();
        if (readings.includes("unknown")) rebuildWanted = true;
        return readings;
      } catch (error) {
        distrust(redisFault(error));
        return unknown();
      }
    },
    async apply(change) {
      try {
        await sets.apply([change]);
        return true;
      } catch (error) {
        distrust(redisFault(error));
        return false;
      }
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      for (const connection of [redis, background]) {
        connection.off("close", lost);
        connection.off("ready", back);
      }
      background.disconnect();
      await running;
      await rebuilding;
    },
  };
}

const sweepFault = (error: unknown) => (error instanceof StoreError || error instanceof DeadlineError ? "store" : redisFault(error));
