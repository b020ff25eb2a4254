// How much of a queue an app may have. JetStream delivers in order, so what one app has in the queue stands before another's next task: an app's tasks
// beyond its share stay due in the outbox, and are published as earlier ones end. Together the apps fill no more than most of what dispatchers hold at
// once, so that another app's next task is delivered at once; a dispatcher gives it the next turn.
import type { QueueDepth } from "../ports/queue.ts";
import type { NotificationClass } from "./channel.ts";

/** Tasks that a queue may hold however few dispatchers there are, those that are handled included: as many as are in flight in a small pod. */
export const QUEUED_MIN = 64;
/** Share of what dispatchers hold at once that apps may fill; the rest is for the next task of an app that has less than its share. */
export const FILLED_SHARE = 0.75;
/**
 * Share of what is free that one process takes between two readings of the queue: gateways and relays read at the same moment, and what each of them
 * published shows in the next reading.
 */
export const TAKEN_SHARE = 0.5;
/**
 * How much more an app may fill that was alone for ALONE_MS: its tasks go straight to the queue, which spares the relay's work, and a dispatcher never waits for
 * the relay. A task of an app that published nothing for ALONE_MS waits behind them, on a fast channel for a fraction of a second; its next ones do not. What is
 * critical waits behind less.
 */
const ALONE_TIMES: Readonly<Record<NotificationClass, number>> = { critical: 2, transactional: 4, marketing: 4 };
export const ALONE_MS = 10_000;
/** How long a capacity that was seen is relied on, in ms. Then more is tried step by step, which uses the room that is kept for the next task of other apps. */
export const KNOWN_MS = 30_000;
/** If apps are held back and nothing was delivered for this long, in ms, a dead pod may hold the tasks until ack_wait: then more is tried at once. */
export const STUCK_MS = 500;
/** How much more is expected of dispatchers at a time, and how much less, and the time between two such steps, in ms. */
const STEP_UP = 1.1;
const STEP_DOWN = 0.9;
const STEP_EVERY_MS = 250;

/** How many tasks the dispatchers of a queue hold at once, as its readings showed. Times by a monotonic clock, in ms. */
export interface Capacity {
  tasks: number;
  /** When dispatchers last held all they can. */
  fullAt: number;
  steppedAt: number;
  delivered: number;
  /** When a reading last showed another number of deliveries. */
  deliveredAt: number;
}

const boundOf = ({ tasks }: Pick<Capacity, "tasks">) => Math.max(QUEUED_MIN, Math.floor(tasks * FILLED_SHARE));
const queued = ({ waiting, held }: QueueDepth) => waiting + held;

/**
 * What a reading tells about dispatchers: those that can hold more have a pull there. While they do and apps are held back, more is expected of them step by
 * step, until tasks wait and no pull does. Pure.
 * @param heldBack whether an app wanted to publish more since the last reading
 */
export function learnCapacity(before: Capacity | undefined, depth: QueueDepth, heldBack: boolean, now: number): Capacity {
  const { waiting, held, pulls, delivered } = depth;
  const known = before ?? { tasks: 0, fullAt: Number.NEGATIVE_INFINITY, steppedAt: now, delivered, deliveredAt: now };
  const deliveredAt = delivered === known.delivered ? known.deliveredAt : now;
  const next = { ...known, delivered, deliveredAt };
  if (waiting > 0 && pulls === 0) {
    // Nothing is delivered while dispatchers restart or drain, or the consumer's leader changes: what they hold then is not all they can.
    if (delivered === known.delivered && held < known.tasks) return next;
    if (held >= known.tasks / 2) return { ...next, tasks: held, fullAt: now };
    // Where little is held, the reading may have fallen between two pulls.
    const stepped = { ...next, fullAt: now };
    return now - known.steppedAt >= STEP_EVERY_MS ? { ...stepped, tasks: known.tasks * STEP_DOWN, steppedAt: now } : stepped;
  }
  const seen = { ...next, tasks: Math.max(known.tasks, held) };
  if (!heldBack) return seen;
  if (now - deliveredAt >= STUCK_MS) seen.fullAt = Number.NEGATIVE_INFINITY;
  const mayStep = pulls > 0 && waiting === 0 && now - seen.fullAt >= KNOWN_MS && now - seen.steppedAt >= STEP_EVERY_MS;
  if (!mayStep) return seen;
  return { ...seen, tasks: Math.max(seen.tasks, QUEUED_MIN / FILLED_SHARE) * STEP_UP, steppedAt: now };
}

/**
 * How many tasks the app may publish now. While less than half of the bound is queued, any app may fill what is free; above, apps in the queue divide it by
 * weight, and an app that has less than its share of the bound may come up to it. Pure.
 * @param taken by app: tasks that this process published since the reading
 * @param alone the class of the queue, where no other app has published to it for ALONE_MS, as far as this process knows
 */
export function roomOf(
  depth: QueueDepth,
  taken: ReadonlyMap<string, number>,
  capacity: Pick<Capacity, "tasks">,
  app: string,
  weightOf: (app: string) => number,
  alone?: NotificationClass,
): number {
  const bound = boundOf(capacity);
  const takenByAll = [...taken.values()].reduce((sum, count) => sum + count, 0);
  const filled = alone ? ALONE_TIMES[alone] * bound : bound;
  const free = Math.max(0, Math.ceil((filled - queued(depth)) * TAKEN_SHARE) - takenByAll);
  if (alone) return free;
  if (queued(depth) + takenByAll < bound / 2) return free;
  const apps = new Set([...depth.byApp.keys(), ...taken.keys(), app]);
  const total = [...apps].reduce((sum, each) => sum + weightOf(each), 0);
  const share = Math.max(1, Math.floor((bound * weightOf(app)) / total));
  const ownLeft = Math.ceil((share - (depth.byApp.get(app) ?? 0)) * TAKEN_SHARE) - (taken.get(app) ?? 0);
  return Math.max(Math.ceil((free * weightOf(app)) / total), ownLeft, 0);
}
