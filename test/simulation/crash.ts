import type { SeededRandom } from "./random.ts";

/** A process that may die at any of its calls: before it is made, or after it took effect and before anybody learns of it. */
export interface Mortal {
  /** The object, each of whose methods may be where the process dies. Afterwards no call of it takes effect. */
  wrap<T extends object>(part: T): T;
  /** Runs work of this process: its result, or "dead". */
  run<T>(work: () => Promise<T>): Promise<T | "dead">;
  readonly dead: boolean;
}

export function createMortal(random: SeededRandom, share: () => number): Mortal {
  const { promise: death, resolve: die } = Promise.withResolvers<"dead">();
  let dead = false;
  const never = new Promise<never>(() => {});
  const reaper = () => {
    if (!dead && random.chance(share())) {
      dead = true;
      die("dead");
    }
    return dead;
  };
  return {
    wrap: (part) =>
      new Proxy(part, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== "function") return value;
          return async (...args: unknown[]) => {
            if (reaper()) return never;
            const result: unknown = await Reflect.apply(value, target, args);
            return reaper() ? never : result;
          };
        },
      }),
    run: (work) => Promise.race([death, dead ? death : work()]),
    get dead() {
      return dead;
    },
  };
}
