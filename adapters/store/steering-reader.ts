import type { Clock } from "../../core/ports/clock.ts";
import type { SteeringStore } from "../../core/ports/steering-store.ts";
import { STEERING_FRESH_MS, STEERING_READ_MS, type Steering } from "../../core/steering/steering.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import type { Logger } from "../../runtime/logger.ts";
import { createStateLog } from "../../runtime/state-log.ts";
import { StoreError } from "./store-error.ts";

/** Longest wait for a read, in ms; after it what was known before counts, until the answer comes. With STEERING_FRESH_MS within STEERING_BOUND_MS. */
const READ_MS_MAX = 1_000;
/** Between two reads while they fail, in ms. */
const AGAIN_MS = 1_000;

export type SteeringReader = ReturnType<typeof createSteeringReader>;

/** What operators have paused, as a process that sends knows it. It reads only when asked, so that an idle process reads nothing. */
export function createSteeringReader({
  steering,
  clock,
  log,
}: {
  steering: Pick<SteeringStore, "list">;
  clock: Pick<Clock, "monotonic" | "after">;
  log: Logger;
}) {
  let known: Steering | undefined;
  /** Until when `known` is used without another read, and until when a call may still begin by it. Monotonic, counted from the moment before the read. */
  let [readAgainAt, staleAt] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  /** When the read began that told what is known. */
  let knownFrom = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | undefined;
  const state = createStateLog(
    log,
    { lost: "what is paused cannot be read; what was known last counts", back: "what is paused is read again" },
    clock.monotonic,
  );

  /** Takes the answer also where nobody waits for it any more: an operator pauses just when the store is slow. */
  async function list(began: number): Promise<void> {
    const answer = await steering.list();
    if (began < knownFrom) return;
    [known, knownFrom] = [answer, began];
    [readAgainAt, staleAt] = [Math.max(readAgainAt, began + STEERING_READ_MS), Math.max(staleAt, began + STEERING_FRESH_MS)];
  }

  async function refresh(): Promise<void> {
    const began = clock.monotonic();
    try {
      await withDeadline(list(began), { limitMs: READ_MS_MAX, clock }, tooLate);
      state.works();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      state.fails({ err: error });
      if (known === undefined) throw error;
      const now = clock.monotonic();
      [readAgainAt, staleAt] = [now + AGAIN_MS, now + AGAIN_MS + STEERING_READ_MS];
    }
  }

  return {
    /** At most STEERING_READ_MS old, or what was read last where the store cannot be read. Rejects with the store's error where nothing was read yet. */
    async read(): Promise<Steering> {
      if (known !== undefined && clock.monotonic() < readAgainAt) return known;
      underWay ??= refresh().finally(() => {
        underWay = undefined;
      });
      await underWay;
      return known!;
    },
    /** What was read last, for a call that is about to begin; undefined where it must be read again first. */
    current: (): Steering | undefined => (clock.monotonic() < staleAt ? known : undefined),
  };
}

const tooLate = (): never => {
  throw new StoreError("what is paused was not read in time");
};
