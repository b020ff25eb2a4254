import type { Redis } from "ioredis";
import type { SimulatedProcess } from "./process.ts";
import type { Simulation } from "./simulation.ts";

/** A command's deadline in the real client. */
const COMMAND_MS = 500;

/** Redis as the claim gate and the crash counter use it; it may lose its keys. */
export function createRedis(simulation: Simulation) {
  const { time } = simulation;
  const keys = new Map<string, { value: unknown; until: number }>();
  let unavailableUntil = 0;
  const read = (key: string) => {
    const held = keys.get(key);
    return held && held.until > time.now() ? held.value : undefined;
  };
  async function answering(): Promise<void> {
    if (simulation.happens("redis lost its data", 0.02)) keys.clear();
    if (time.now() >= unavailableUntil && !simulation.happens("redis slow", 0.02)) return;
    await time.sleep(COMMAND_MS);
    throw new Error("made up");
  }
  return {
    failFor(ms: number) {
      unavailableUntil = time.now() + ms;
    },
    commands: {
      /** What claims.lua does. */
      async eval(_script: string, count: number, ...args: unknown[]): Promise<number[]> {
        await answering();
        return args.slice(0, count).map((key, i) => {
          const [holder, lifetime] = [args[count + 2 * i], Number(args[count + 2 * i + 1])];
          if ((read(String(key)) ?? holder) !== holder) return 0;
          keys.set(String(key), { value: holder, until: time.now() + lifetime });
          return 1;
        });
      },
      async get(key: string): Promise<string | null> {
        await answering();
        const value = read(key);
        return value === undefined ? null : String(value);
      },
      async del(...of: string[]): Promise<void> {
        await answering();
        if (simulation.happens("redis lost a deletion", 0.1)) return;
        for (const key of of) keys.delete(key);
      },
      async pttl(key: string): Promise<number> {
        await answering();
        return read(key) === undefined ? -2 : keys.get(key)!.until - time.now();
      },
      async set(key: string, value: unknown, _px: "PX", lifetimeMs: number): Promise<void> {
        await answering();
        keys.set(key, { value, until: time.now() + lifetimeMs });
      },
    },
  };
}

/** The Redis client of one process, with the commands that our code uses. */
export function clientOf(redis: ReturnType<typeof createRedis>, process: SimulatedProcess): Redis {
  return process.wrap("redis", redis.commands, "remote") as unknown as Redis;
}
