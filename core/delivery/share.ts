// How much of a queue an app may have. JetStream delivers in order, so what one app has in the queue stands before another's next task: an app's tasks
// beyond its share stay due in the outbox, and are published as earlier ones end.
import type { QueueDepth } from "../ports/queue.ts";

/** Tasks that may wait for a dispatcher however slowly they are delivered: less would leave dispatchers idle between two readings of the queue. */
export const WAITING_MIN = 128;
/** Otherwise as many as are delivered in this time, in ms: it bounds how long another app's next task waits behind them. */
export const WAITING_MS = 400;

/**
 * How many tasks the app may publish now. While fewer than half of the bound wait, any app may fill it; above, apps in the queue divide what is free by
 * weight, and an app that has less than its share of the bound may come up to it. Pure.
 */
export function roomOf({ waiting, deliveredPerSecond, byApp }: QueueDepth, app: string, weightOf: (app: string) => number): number {
  const bound = Math.max(WAITING_MIN, Math.ceil((deliveredPerSecond * WAITING_MS) / 1_000));
  const free = Math.max(0, bound - waiting);
  if (waiting < bound / 2) return free;
  const apps = new Set([...byApp.keys(), app]);
  const total = [...apps].reduce((sum, each) => sum + weightOf(each), 0);
  const share = Math.max(1, Math.floor((bound * weightOf(app)) / total));
  return Math.max(Math.ceil((free * weightOf(app)) / total), share - (byApp.get(app) ?? 0), 0);
}
