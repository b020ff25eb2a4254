import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../core/ports/clock.ts";
import type { DayCount, DayCounters } from "../../core/ports/quota-counters.ts";
import { createBatcher } from "../../runtime/batch.ts";
import { createUseRedis } from "./pause.ts";

const ADD = readFileSync(new URL("./day-counters.lua", import.meta.url), "utf8");
/** Notifications in one EVAL: about 0.5 ms of Redis's only thread. */
const BATCHES = { batchMax: 100, waitingMax: 10_000, concurrency: 2 };
/** A day's counters are kept for this long after it began and after their last change, so that clocks that differ still find them. */
const KEEP_MS = 48 * 3_600_000;
/** Local counters kept: those of 10,000 apps and five channels. */
const COUNTERS_MAX = 50_000;

/** @param pods how many gateways there are, to share what is left while Redis is away */
export function createDayCounters(redis: Redis, deps: { clock: Clock; pods: () => number }): DayCounters {
  const { clock, pods } = deps;
  /** Deliveries that this process added, by counter. What it added while Redis was away is not in Redis, which then counts too few. */
  const own = new LRUCache<string, number>({ max: COUNTERS_MAX });
  const useRedis = createUseRedis(clock);
  const batcher = createBatcher<DayCount, number>((counts) => addAll(redis, counts, clock.now()), BATCHES, clock, {
    laneOf: ({ app }) => app,
  });

  const ownKey = ({ app, day }: DayCount, name: string) => `${day} ${app} ${name}`;
  const addOwn = (count: DayCount, sign: 1 | -1 = 1) => {
    for (const { name, count: n } of count.entries) own.set(ownKey(count, name), (own.get(ownKey(count, name)) ?? 0) + sign * n);
  };
  /** The first entry of which this process alone, among `among` gateways that added as much, has added too many. */
  const fullOwn = (count: DayCount, among: number) =>
    count.entries.find((e) => e.count > 0 && (own.get(ownKey(count, e.name)) ?? 0) + e.count > e.max / Math.max(1, among))?.name;

  const inRedis = (count: DayCount) => useRedis(() => batcher.add(count));

  return {
    async add(count) {
      // Redis never counts less than one process added, unless it lost what it held.
      const alone = fullOwn(count, 1);
      if (alone !== undefined) return alone;
      const answer = await inRedis(count);
      const full = answer === undefined ? fullOwn(count, pods()) : count.entries[answer - 1]?.name;
      if (full === undefined) addOwn(count);
      return full;
    },
    giveBack(count) {
      addOwn(count, -1);
      void inRedis({ ...count, entries: count.entries.map((e) => ({ ...e, count: -e.count })) });
    },
  };
}

async function addAll(redis: Redis, counts: readonly DayCount[], now: number): Promise<number[]> {
  const keys = counts.map(({ app, day }) => `carillon:app-day:${day}:${app}`);
  const lifetime = (day: string) => Math.max(0, Date.parse(day) - now) + KEEP_MS;
  const args = counts.flatMap(({ day, entries }) => [
    lifetime(day),
    entries.length,
    ...entries.flatMap(({ name, count, max }) => [name, count, max]),
  ]);
  const answer: unknown = await redis.eval(ADD, keys.length, ...keys, ...args);
  if (!Array.isArray(answer) || answer.length !== counts.length || !answer.every((n) => Number.isSafeInteger(n)))
    throw new Error("Redis answered with a wrong number of counts");
  return answer.map(Number);
}
