import { StoreError } from "../../adapters/store/store-error.ts";
import type { Failpoint } from "../../core/failpoints.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Nature } from "./nature.ts";
import { createSkewedClock } from "./time.ts";

/** How likely each call meets each of them. */
export interface Misfortune {
  death: number;
  /** The call takes long, before or after it took effect: a slow disk, a full network. */
  stall: number;
  /** The store rejects, before or after it took effect. */
  fault: number;
}

export type CallKind =
  /** May reject, with or without having taken effect. */
  | "store"
  /** Takes time on the way there or back; says itself what else may go wrong. */
  | "remote"
  /** Begins at once, and takes the time it takes: nobody can tell when what left the process arrived. */
  | "provider";

/** A process that may die or stand still at any of its calls: before it is made, on the way, or before anybody learns of its effect. */
export interface SimulatedProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly dead: boolean;
  readonly failpoint: Failpoint;
  /** The object, each of whose methods is a call. */
  wrap<T extends object>(label: string, part: T, kind: CallKind): T;
  /** Resolves when it does not stand still; never once it is dead. */
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
/** After which a store's client gives up waiting, and how much later the write may still be done. */
const STORE_DEADLINE_MS = 5_000;
const APPLIED_LATE_MS = [0, 500, 8_000, 40_000];
const QUICK_MS_MAX = 8;

export function createProcess(nature: Nature, name: string, chances: Misfortune, storeIsAway: () => boolean): SimulatedProcess {
  const { random, time } = nature;
  const never = new Promise<never>(() => {});
  let dead = false;
  let pausedUntil = 0;

  const kill = () => {
    dead = true;
    nature.note(name, "dies");
  };
  const dies = () => {
    if (!dead && nature.happens("process killed at a call", chances.death)) kill();
    return dead;
  };
  async function awake(): Promise<void> {
    while (!dead && pausedUntil > time.now()) await time.sleep(pausedUntil - time.now());
    if (dead) await never;
  }
  const waits: Pick<Clock, "sleep" | "nextTurn"> = {
    sleep: (ms, signal) => time.sleep(ms, signal).then(awake),
    nextTurn: (run) => time.after(0, () => void awake().then(run)),
  };
  const clock = createSkewedClock(time, waits, random.pick(SKEWS_MS));
  const quick = () => 1 + random.below(QUICK_MS_MAX);
  const fails = (how: string) => {
    nature.note(name, `rejected: ${how}`);
    return new StoreError("made up");
  };

  async function call(what: string, kind: CallKind, effect: () => Promise<unknown>): Promise<unknown> {
    if (dies()) return never;
    nature.note(name, what);
    const result = await (kind === "provider" ? effect() : carried(what, kind, effect));
    // Once dead nothing of it goes on; and while it stands still neither.
    if (dead || pausedUntil > time.now()) await awake();
    return dies() ? never : result;
  }

  async function carried(what: string, kind: CallKind, effect: () => Promise<unknown>): Promise<unknown> {
    const slow = nature.happens("call slow", chances.stall) ? random.pick(STALLS_MS) : quick();
    const first = random.chance(0.5);
    if (first) await time.sleep(slow);
    // What had left it before it died may arrive all the same.
    if (dead && random.chance(0.5)) return never;
    if (kind === "store") {
      if (storeIsAway() || nature.happens("store rejected", chances.fault)) throw fails("not applied");
      if (nature.happens("store applied after its deadline", chances.fault / 3)) {
        time.after(STORE_DEADLINE_MS + random.pick(APPLIED_LATE_MS), () => {
          nature.note(name, `${what}: applied late`);
          void effect().catch(() => undefined);
        });
        await time.sleep(STORE_DEADLINE_MS);
        throw fails("not applied yet");
      }
    }
    const result = await effect();
    if (!first) await time.sleep(slow);
    if (kind === "store" && nature.happens("store applied, unsaid", chances.fault)) throw fails("applied");
    return result;
  }

  return {
    name,
    clock,
    failpoint(step) {
      if (dead) return;
      nature.failpoint(step);
      if (nature.happens("process killed at a step", chances.death)) kill();
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
      nature.note(name, `stands still for ${ms}`);
    },
    kill,
    jump: clock.jump,
  };
}

/** What a call is about, in a word. */
function subject(argument: unknown): string {
  if (Array.isArray(argument)) return argument.length > 8 ? `(${argument.length})` : argument.map(subject).join(",");
  if (typeof argument !== "object" || argument === null) return String(argument).slice(0, 48);
  const { id, deliveryId, attempt } = argument as { id?: unknown; deliveryId?: unknown; attempt?: unknown };
  return String(id ?? (deliveryId === undefined ? "" : `${deliveryId}${attempt === undefined ? "" : `/${attempt}`}`));
}
