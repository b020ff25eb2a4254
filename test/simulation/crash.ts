import { StoreError } from "../../infra/store-error.ts";
import type { SeededRandom } from "./random.ts";

/** How likely each call meets each of them. */
export interface Misfortune {
  death: number;
  /** The call takes long, before or after it took effect: a paused process, a slow disk, a full network. */
  stall: number;
  /** The call rejects, before or after it took effect. */
  fault: number;
}

/** A process that may die at any of its calls: before it is made, or after it took effect and before anybody learns of it. */
export interface Mortal {
  /**
   * The object, each of whose methods may be where the process dies. Afterwards no call of it takes effect.
   * `only`: what else may happen to it; by default everything.
   */
  wrap<T extends object>(part: T, only?: { faults?: boolean; stallBefore?: boolean }): T;
  /** Runs work of this process: its result, or "dead". */
  run<T>(work: () => Promise<T>): Promise<T | "dead">;
  readonly dead: boolean;
}

/** Pauses in ms: within every deadline, near them, and beyond the longest. */
const STALLS_MS = [300, 2_000, 4_900, 12_000, 45_000];

export function createMortal(random: SeededRandom, chances: () => Misfortune, sleep: (ms: number) => Promise<void>): Mortal {
  const { promise: death, resolve: die } = Promise.withResolvers<"dead">();
  let dead = false;
  const never = new Promise<never>(() => {});
  const reaper = () => {
    if (!dead && random.chance(chances().death)) {
      dead = true;
      die("dead");
    }
    return dead;
  };
  const stall = async () => {
    if (random.chance(chances().stall)) await sleep(random.pick(STALLS_MS));
  };
  const fault = () => {
    if (random.chance(chances().fault)) throw new StoreError("made up");
  };
  return {
    wrap: (part, { faults = true, stallBefore = true } = {}) =>
      new Proxy(part, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== "function") return value;
          return async (...args: unknown[]) => {
            if (reaper()) return never;
            if (stallBefore) await stall();
            if (reaper()) return never;
            if (faults) fault();
            const result: unknown = await Reflect.apply(value, target, args);
            await stall();
            if (faults) fault();
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
