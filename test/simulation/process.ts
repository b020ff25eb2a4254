import { StoreError } from "../../adapters/store/store-error.ts";
import type { Failpoint } from "../../core/failpoints.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Simulation } from "./simulation.ts";
import { createSkewedClock } from "./time.ts";

/** The probability of each fault at each call. */
export interface Misfortune {
  death: number;
  /** The call takes long, before or after its effect: a slow disk, a congested network. */
  stall: number;
  /** The store call fails, before or after its effect. */
  fault: number;
}

export type CallKind =
  /** May fail, with or without its effect. */
  | "store"
  /** Takes time on the way there or back; the callee injects its other faults. */
  | "remote"
  /** Starts at once; the provider decides when the request arrives and when it is answered. */
  | "provider";

/** A process that may be killed or paused at any of its calls: before the call, during it, or before its result is used. */
export interface SimulatedProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly dead: boolean;
  readonly failpoint: Failpoint;
  /** The same object with each method as a call that may fail. */
  wrap<T extends object>(label: string, part: T, kind: CallKind): T;
  /** Resolves when the process is not paused; never once it is dead. */
  awake(): Promise<void>;
  /** SIGSTOP, and SIGCONT after `ms`. */
  pause(ms: number): void;
  kill(): void;
  jump(ms: number): void;
}

/** Clocks of two processes differ by less than the relay's CLOCK_SKEW_MS. */
const SKEWS_MS = [-2_000, -500, 0, 500, 2_000];
/** Within every deadline, near them, and beyond the longest. */
const STALLS_MS = [300, 2_000, 4_900, 12_000, 45_000];
/** The store client's timeout, and how much later the write may still be applied. */
const STORE_DEADLINE_MS = 5_000;
const APPLIED_LATE_MS = [0, 500, 8_000, 40_000];
const QUICK_MS_MAX = 8;

export function createProcess(
  simulation: Simulation,
  name: string,
  chances: Misfortune,
  isStoreUnavailable: () => boolean,
): SimulatedProcess {
  const { random, time } = simulation;
  const never = new Promise<never>(() => {});
  let dead = false;
  let pausedUntil = 0;

  const kill = () => {
    dead = true;
    simulation.note(name, "dies");
  };
  const dies = () => {
    if (!dead && simulation.happens("process killed at a call", chances.death)) kill();
    return dead;
  };
  async function awake(): Promise<void> {
    while (!dead && pausedUntil > time.now()) await time.sleep(pausedUntil - time.now());
    if (dead) await never;
  }
  const waits: Pick<Clock, "sleep" | "after" | "nextTurn"> = {
    sleep: (ms, signal) => time.sleep(ms, signal).then(awake),
    after(ms, run) {
      let stopped = false;
      time.after(ms, () => void awake().then(() => stopped || run()));
      return () => {
        stopped = true;
      };
    },
    nextTurn: (run) => time.after(0, () => void awake().then(run)),
  };
  const clock = createSkewedClock(time, waits, random.pick(SKEWS_MS));
  const quick = () => 1 + random.below(QUICK_MS_MAX);
  const fails = (how: string) => {
    simulation.note(name, `rejected: ${how}`);
    return new StoreError("made up");
  };

  async function call(what: string, kind: CallKind, effect: () => Promise<unknown>): Promise<unknown> {
    if (dies()) return never;
    simulation.note(name, what);
    const result = await (kind === "provider" ? effect() : carried(what, kind, effect));
    // A dead process never continues, and a paused one only after its pause.
    if (dead || pausedUntil > time.now()) await awake();
    return dies() ? never : result;
  }

  async function carried(what: string, kind: CallKind, effect: () => Promise<unknown>): Promise<unknown> {
    const slow = simulation.happens("call slow", chances.stall) ? random.pick(STALLS_MS) : quick();
    const first = random.chance(0.5);
    if (first) await time.sleep(slow);
    // A request that left the process before it died may still arrive.
    if (dead && random.chance(0.5)) return never;
    if (kind === "store") {
      if (isStoreUnavailable() || simulation.happens("store rejected", chances.fault)) throw fails("not applied");
      if (simulation.happens("store applied after its deadline", chances.fault / 3)) {
        time.after(STORE_DEADLINE_MS + random.pick(APPLIED_LATE_MS), () => {
          simulation.note(name, `${what}: applied late`);
          void effect().catch(() => undefined);
        });
        await time.sleep(STORE_DEADLINE_MS);
        throw fails("not applied yet");
      }
    }
    const result = await effect();
    if (!first) await time.sleep(slow);
    if (kind === "store" && simulation.happens("store applied, answer lost", chances.fault)) throw fails("applied");
    return result;
  }

  return {
    name,
    clock,
    failpoint(failpointName) {
      if (dead) return;
      simulation.failpoint(failpointName);
      if (simulation.happens("process killed at a failpoint", chances.death)) kill();
    },
    get dead() {
      return dead;
    },
    wrap(label, part, kind) {
      const wrapped: Record<string, unknown> = {};
      for (const [key, method] of Object.entries(part)) {
        wrapped[key] =
          typeof method === "function"
            ? (...args: unknown[]) => call(`${label}.${key} ${subject(args[0])}`, kind, async () => Reflect.apply(method, part, args))
            : method;
      }
      return wrapped as typeof part;
    },
    awake,
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, time.now() + ms);
      simulation.note(name, `paused for ${ms}`);
    },
    kill,
    jump: clock.jump,
  };
}

/** The ids in a call's first argument, for the history. */
function subject(argument: unknown): string {
  if (Array.isArray(argument)) return argument.length > 8 ? `(${argument.length})` : argument.map(subject).join(",");
  if (typeof argument !== "object" || argument === null) return String(argument).slice(0, 48);
  const { id, deliveryId, attempt } = argument as { id?: unknown; deliveryId?: unknown; attempt?: unknown };
  return String(id ?? (deliveryId === undefined ? "" : `${deliveryId}${attempt === undefined ? "" : `/${attempt}`}`));
}
