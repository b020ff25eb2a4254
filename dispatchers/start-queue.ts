import { CLASSES, type NotificationClass } from "../core/delivery/channel.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Settlement, TaskCopy } from "../core/ports/queue.ts";
import { createFairQueue } from "../runtime/fair-queue.ts";
import { createClassTurns } from "./class-turns.ts";
import { createMarketingLimit } from "./marketing-limit.ts";
import { SUSPECT_DELIVERIES } from "./poison-guard.ts";
import { createPreparingLimit } from "./preparing-limit.ts";

/** Share of a pod's tasks in flight by class: a one-time password never waits behind a campaign. */
const IN_FLIGHT_SHARE: Record<NotificationClass, number> = { critical: 1, transactional: 1, marketing: 0.5 };
/** Tasks held for one in flight: while greedy apps hold as many as can be in flight (core/delivery/share.ts), another's next one is still delivered. */
const HELD_PER_IN_FLIGHT = 4 / 3;
/** A task waits here for at most this share of ack_wait, and not longer than this, in ms; then it returns to the queue, for another pod. */
const WAIT_SHARE = 0.25;
const WAIT_MS_MAX = 10_000;
/** Between two looks at what waits, for tasks that have waited that long and for those that may begin, in ms. */
const LATE_EVERY_MS = 250;
/** Until a task that waited too long, or found no room, is delivered again, in ms. */
const AGAIN_MS = 250;
/** Most bytes of a class's messages that wait here. Messages are small, because contents above 8 KiB are in the store. */
const BYTES_MAX = 64 * 1024 * 1024;

/** Tasks of a class in flight at once in a pod. */
export const inFlightOf = (notificationClass: NotificationClass, inFlightMax: number) =>
  Math.max(1, Math.floor(inFlightMax * IN_FLIGHT_SHARE[notificationClass]));
/** Tasks of a class that a pod pulls at most, those that wait included. */
export const heldOf = (notificationClass: NotificationClass, inFlightMax: number) =>
  Math.ceil(inFlightOf(notificationClass, inFlightMax) * HELD_PER_IN_FLIGHT);

export type Handle = (copy: TaskCopy) => Promise<Settlement>;

export interface StartQueue {
  /** Handles the copy when its turn comes. */
  handle: Handle;
  /** A copy of this holder waits for its provider from now on, which costs nothing here: another one may be prepared. */
  calling(holder: string): void;
}

export interface StartQueueParts {
  /** DISPATCH_IN_FLIGHT. */
  inFlightMax: number;
  ackWaitMs: number;
  weightOf: (app: string) => number;
  /** Each one that it makes tells the share of the time since its own last call in which the event loop worked, 0 to 1. */
  createUtilization: () => () => number;
  clock: Clock;
  /** Aborts on drain: what waits returns to the queue at once, for other pods. */
  signal: AbortSignal;
}

const appOf = ({ task }: TaskCopy) => task?.app ?? "";

interface Waiting {
  copy: TaskCopy;
  until: number;
  settle: (settlement: Settlement | Promise<Settlement>) => void;
}

/** A copy that is being prepared. */
interface Preparing {
  copy: TaskCopy;
  /** It began beyond the limit, without a turn. */
  isExtra: boolean;
}

/**
 * Decides which of the tasks that were delivered is handled next: strictly by class with a floor for the lower ones, and in turn by app, by weight. JetStream
 * delivers in the order of publication; without this, a task waits for every one that was delivered before it. With three greedy apps, 800 tasks a second and
 * 128 in flight that were 160 ms. Bounds: in flight by class, and those that are being prepared for all of them together.
 */
export function createStartQueue(work: Handle, parts: StartQueueParts): StartQueue {
  const { inFlightMax, weightOf, clock, signal, createUtilization } = parts;
  const waitMs = Math.min(WAIT_MS_MAX, parts.ackWaitMs * WAIT_SHARE);
  const classes = Object.fromEntries(CLASSES.map((c) => [c, createClass(c)])) as Record<NotificationClass, ReturnType<typeof createClass>>;
  const turns = createClassTurns();
  const inFlightOfAll = CLASSES.reduce((sum, c) => sum + inFlightOf(c, inFlightMax), 0);
  const limit = createPreparingLimit({ max: inFlightOfAll, utilization: createUtilization(), clock });
  const marketing = createMarketingLimit({ max: inFlightOf("marketing", inFlightMax), utilization: createUtilization(), clock });
  /** A holder may have two: where ack_wait passes, the queue delivers a message again, perhaps to the same worker. */
  const preparing = new Set<Preparing>();
  let extras = 0;
  let isGivingBack = false;

  function createClass(c: NotificationClass) {
    // Of this size, no lane reaches its share of what is free before all that a pod pulls waits.
    const bounds = { itemsMax: 3 * heldOf(c, inFlightMax), bytesMax: BYTES_MAX };
    const waiting = createFairQueue<Waiting>(bounds, {
      laneOf: ({ copy }) => appOf(copy),
      weightOf: ({ copy }) => (copy.task ? weightOf(copy.task.app) : 1),
      bytesOf: ({ copy }) => copy.bytes.length,
    });
    return { waiting, inFlight: 0, tasksOf: createCounts() };
  }
  const byTurn = () => preparing.size - extras;
  const isAnyWaiting = () => CLASSES.some((c) => classes[c].waiting.length > 0);
  const hasRoom = (c: NotificationClass) => classes[c].inFlight < (c === "marketing" ? marketing.now() : inFlightOf(c, inFlightMax));
  const canStart = (c: NotificationClass) => classes[c].waiting.length > 0 && hasRoom(c);

  function start(): void {
    while (byTurn() < limit.now()) {
      const c = turns.next(canStart);
      if (!c) return;
      const [next] = classes[c].waiting.take({ itemsMax: 1, bytesMax: BYTES_MAX });
      next!.settle(handle(next!.copy, false));
    }
    if (CLASSES.some(canStart)) limit.reached();
  }

  /**
   * Whether a task begins without waiting for a turn: the only one of its app, while no task of a higher class waits. It delays no other app for long. As
   * many of them as the limit allows are prepared in addition to the limit, and never in place of tasks that wait: otherwise enough apps with one task each
   * would stop an app with more, and all lower classes.
   */
  function beginsAtOnce(copy: TaskCopy): boolean {
    const { notificationClass } = copy;
    const { tasksOf } = classes[notificationClass];
    const isHigherWaiting = CLASSES.slice(0, CLASSES.indexOf(notificationClass)).some(canStart);
    return (
      tasksOf.of(appOf(copy)) === 0 && hasRoom(notificationClass) && (byTurn() < limit.now() || extras < limit.now()) && !isHigherWaiting
    );
  }

  /** It is no longer prepared, if it was. */
  function prepared(one: Preparing | undefined): void {
    if (!one || !preparing.delete(one)) return;
    const { copy, isExtra } = one;
    if (isExtra) extras--;
    classes[copy.notificationClass].tasksOf.add(appOf(copy), -1);
    start();
  }

  async function handle(copy: TaskCopy, isExtra: boolean): Promise<Settlement> {
    const { deliveries, notificationClass } = copy;
    classes[notificationClass].inFlight++;
    if (notificationClass === "critical") marketing.criticalBegins();
    const one = { copy, isExtra };
    preparing.add(one);
    if (isExtra) extras++;
    // A suspect may wait for the one that is handled alone.
    if (deliveries >= SUSPECT_DELIVERIES) prepared(one);
    try {
      return await work(copy);
    } finally {
      classes[notificationClass].inFlight--;
      prepared(one);
      start();
    }
  }

  function giveBack(isDue: (waiting: Waiting) => boolean): void {
    for (const c of CLASSES)
      for (const { copy, settle } of classes[c].waiting.dropWhile(isDue)) {
        classes[c].tasksOf.add(appOf(copy), -1);
        settle({ kind: "nak", delayMs: AGAIN_MS, ready: true });
      }
  }
  signal.addEventListener("abort", () => giveBack(() => true), { once: true });

  async function giveBackLate(): Promise<void> {
    if (isGivingBack) return;
    isGivingBack = true;
    while (isAnyWaiting()) {
      await clock.sleep(LATE_EVERY_MS, signal);
      const now = clock.monotonic();
      giveBack(({ until }) => until <= now);
      // The limits rise with time, also while nothing ends.
      start();
    }
    isGivingBack = false;
  }

  return {
    handle: (copy) =>
      new Promise((settle) => {
        const { waiting, tasksOf } = classes[copy.notificationClass];
        const atOnce = !signal.aborted && beginsAtOnce(copy);
        const waits = !signal.aborted && !atOnce && waiting.push({ copy, until: clock.monotonic() + waitMs, settle });
        if (!atOnce && !waits) return settle({ kind: "nak", delayMs: AGAIN_MS, ready: true });
        tasksOf.add(appOf(copy), 1);
        if (atOnce) {
          turns.passedBy(copy.notificationClass, canStart);
          return settle(handle(copy, byTurn() >= limit.now()));
        }
        start();
        if (isAnyWaiting()) void giveBackLate();
      }),
    calling: (holder) => prepared(preparing.values().find(({ copy }) => copy.holder === holder)),
  };
}

/** Of each app, tasks that wait or are prepared. */
function createCounts() {
  const counts = new Map<string, number>();
  return {
    of: (app: string) => counts.get(app) ?? 0,
    add(app: string, change: number) {
      const count = (counts.get(app) ?? 0) + change;
      if (count > 0) counts.set(app, count);
      else counts.delete(app);
    },
  };
}
