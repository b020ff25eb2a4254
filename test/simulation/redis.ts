import type { Redis } from "ioredis";
import type { Nature } from "./nature.ts";
import type { SimulatedProcess } from "./process.ts";

/** A command's deadline in the real client. */
const COMMAND_MS = 500;

/** Redis as claims and suspects see it: keys that vanish. */
export function createRedis(nature: Nature) {
  const { time } = nature;
  const keys = new Map<string, { value: unknown; until: number }>();
  let awayUntil = 0;
  const read = (key: string) => {
    const held = keys.get(key);
    return held && held.until > time.now() ? held.value : undefined;
  };
  async function answering(): Promise<void> {
    if (nature.happens("redis forgot", 0.02)) keys.clear();
    if (time.now() >= awayUntil && !nature.happens("redis slow", 0.02)) return;
    await time.sleep(COMMAND_MS);
    throw new Error("made up");
  }
  return {
    goAway(ms: number) {
      awayUntil = time.now() + ms;
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
      async del(key: string): Promise<void> {
        await answering();
        keys.delete(key);
      },
      /** INCR and PEXPIRE in one transaction. */
      async incr(key: string, lifetimeMs: number): Promise<void> {
        await answering();
        keys.set(key, { value: Number(read(key) ?? 0) + 1, until: time.now() + lifetimeMs });
      },
    },
  };
}

/** The client of one process; ours ask nothing else of it. */
export function clientOf(redis: ReturnType<typeof createRedis>, process: SimulatedProcess): Redis {
  const { incr, ...commands } = process.wrap("redis", redis.commands, "remote");
  const multi = () => {
    let [of, lifetime] = ["", 0];
    const chain = {
      incr(key: string) {
        of = key;
        return chain;
      },
      pexpire(_key: string, ms: number) {
        lifetime = ms;
        return chain;
      },
      exec: () => incr(of, lifetime),
    };
    return chain;
  };
  return { ...commands, multi } as unknown as Redis;
}
