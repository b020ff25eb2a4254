import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { redisFault } from "../adapters/redis/connect.ts";
import { createOptOutSets, type OptOutChange, type OptOutProbe, type OptOutReading } from "../adapters/redis/opt-out-sets.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { PreferenceStore } from "../core/ports/preference-store.ts";
import { DeadlineError } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import { inChunks, OVERLAP_MS, rebuildUnsealed } from "./rebuild.ts";

/** From the beginning of one sweep to the beginning of the next. */
export const SWEEP_MS = 2_000;
/**
 * How long after the beginning of a completed sweep Redis is believed. An opt-out that only reached the store is obeyed within
 * TRUST_MS + CACHE_MS = 4.5 s; 5 s are published. Leaves a sweep 1.5 s; a slower one costs reads from the store, nothing else.
 */
export const TRUST_MS = 3_500;
/** For a command of a sweep or a rebuild, which nobody waits for. */
const BACKGROUND_DEADLINE_MS = 5_000;

/** The opt-outs in Redis, and how far they can be believed. */
export interface OptOutCopy extends AsyncDisposable {
  /** "unknown" wherever Redis is away, slow, behind or incomplete. Never rejects. */
  read(probes: readonly OptOutProbe[]): Promise<OptOutReading[]>;
  /** False when Redis could not be told: it is not believed then until a sweep has made good for it. Never rejects. */
  apply(change: OptOutChange): Promise<boolean>;
  /** Believed at this moment. */
  readonly trusted: boolean;
}

/**
 * Every process sweeps: what changed in the store since the last sweep is written to Redis again. So a crash between the two, an
 * outage and a restart from an old snapshot heal, and a process that cannot sweep does not believe Redis.
 */
export function createOptOutCopy(deps: {
  store: PreferenceStore;
  redis: Redis;
  clock: Clock;
  log: Logger;
  buckets?: number | undefined;
}): OptOutCopy {
  const { store, redis, clock, log, buckets } = deps;
  const holder = randomBytes(8).toString("hex");
  const background = redis.duplicate({ commandTimeout: BACKGROUND_DEADLINE_MS });
  const sets = createOptOutSets(redis, buckets);
  const backgroundSets = createOptOutSets(background, buckets);
  const stopping = new AbortController();

  /** Counts lost connections: what was seen over one says nothing about what the next one leads to. */
  let losses = 0;
  let trustedUntil = Number.NEGATIVE_INFINITY;
  let sweptAt = Number.POSITIVE_INFINITY;
  let rebuildWanted = true;
  let rebuilding: Promise<void> | undefined;
  let wake = () => {};
  let told = false; // whether the log said last that it is believed

  const trusted = () => clock.monotonic() < trustedUntil;
  const distrust = (reason: string) => {
    trustedUntil = Number.NEGATIVE_INFINITY;
    if (told) log.warn({ reason }, "opt-outs in Redis are not believed; the store is asked until a sweep succeeds");
    told = false;
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
      // Nobody can say how old the sealed buckets are.
      await backgroundSets.unsealAll();
      rebuildWanted = true;
    } else {
      // Redis may have come back older than our last sweep; another process's clock may be ahead of ours.
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
    if (!told) log.info("opt-outs in Redis are believed");
    told = true;
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
        log.info({ ...end, elapsedMs: Math.round(clock.monotonic() - began) }, "opt-outs in Redis rebuilt");
    } catch (error) {
      log.warn({ fault: sweepFault(error) }, "opt-outs in Redis not rebuilt; trying again");
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
        // One failure may pass: trust outlasts it.
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
