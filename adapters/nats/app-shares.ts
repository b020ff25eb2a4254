import type { Channel, NotificationClass } from "../../core/delivery/channel.ts";
import type { AppQueue } from "../../core/delivery/outbox-key.ts";
import { ALONE_MS, type Capacity, learnCapacity, roomOf } from "../../core/delivery/share.ts";
import type { AppStore } from "../../core/ports/app-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { QueueDepth, QueueDepths } from "../../core/ports/queue.ts";
import { createAppWeights } from "../store/app-weights.ts";

/** A reading is used for this long, in ms, unless its user says otherwise. */
const READ_EVERY_MS = 25;
/** An older reading, in ms, says nothing about the queue now. */
const TRUST_MS = 1_000;
/**
 * So many tasks an app may publish before the first reading, or the first after a pause: a small batch on an idle system does not wait for it,
 * and another app's next task waits for no more.
 */
export const BLIND_MAX = 256;

/** How many tasks an app may publish to a queue (core/delivery/share.ts). Where the queue cannot be read, as many as it likes. */
export interface AppShares {
  /** Reads the queue where the last reading is old. */
  room(queue: AppQueue): Promise<number>;
  /** Whether one more task may be published, by the last reading and what was taken since; counts it. The next reading is under way where that is old. */
  take(queue: AppQueue): boolean;
}

interface Reading {
  at: number;
  depth: QueueDepth | undefined;
  capacity: Capacity | undefined;
  /** By app: tasks taken since. */
  taken: Map<string, number>;
  /** Whether an app wanted more since. */
  heldBack: boolean;
}

export interface AppSharesParts {
  depths: QueueDepths;
  apps: Pick<AppStore, "find">;
  clock: Clock;
  /** How long a reading is used, in ms. */
  readEveryMs?: number;
}

export function createAppShares({ depths, apps, clock, readEveryMs = READ_EVERY_MS }: AppSharesParts): AppShares {
  const readings = new Map<string, Reading>();
  /** By queue and app: tasks taken while no reading could be trusted. */
  const blind = new Map<string, number>();
  const underWay = new Map<string, Promise<void>>();
  /** By queue: the app that asked this process last, and since when no other has. */
  const askers = new Map<string, { app: string; since: number }>();
  const weightOf = createAppWeights(apps, clock);

  const queueOf = (channel: Channel, notificationClass: NotificationClass) => `${channel}.${notificationClass}`;
  const keyOf = ({ channel, notificationClass, app }: AppQueue) => `${queueOf(channel, notificationClass)}.${app}`;
  const ageOf = (reading: Reading | undefined) => (reading ? clock.monotonic() - reading.at : Number.POSITIVE_INFINITY);

  function refresh({ channel, notificationClass }: AppQueue): Promise<void> {
    const queue = queueOf(channel, notificationClass);
    const begun = underWay.get(queue);
    if (begun) return begun;
    const reading = depths.read(channel, notificationClass).then((depth) => {
      const [at, before] = [clock.monotonic(), readings.get(queue)];
      const capacity = depth ? learnCapacity(before?.capacity, depth, before?.heldBack ?? false, at) : before?.capacity;
      readings.set(queue, { at, depth, capacity, taken: new Map(), heldBack: false });
      for (const key of blind.keys()) if (key.startsWith(`${queue}.`)) blind.delete(key);
      underWay.delete(queue);
    });
    underWay.set(queue, reading);
    return reading;
  }

  function isAlone(queue: string, app: string, { byApp }: QueueDepth): boolean {
    const before = askers.get(queue);
    const others = byApp.size > (byApp.has(app) ? 1 : 0);
    if (before?.app !== app || others) askers.set(queue, { app, since: before ? clock.monotonic() : Number.NEGATIVE_INFINITY });
    return !others && clock.monotonic() - askers.get(queue)!.since >= ALONE_MS;
  }

  function left({ channel, notificationClass, app }: AppQueue): number {
    const queue = queueOf(channel, notificationClass);
    const reading = readings.get(queue);
    if (ageOf(reading) > TRUST_MS) return BLIND_MAX - (blind.get(keyOf({ channel, notificationClass, app })) ?? 0);
    if (!reading?.depth || !reading.capacity) return Number.POSITIVE_INFINITY;
    const alone = isAlone(queue, app, reading.depth) ? notificationClass : undefined;
    const room = roomOf(reading.depth, reading.taken, reading.capacity, app, weightOf, alone);
    if (room === 0) reading.heldBack = true;
    return room;
  }

  return {
    async room(queue) {
      if (ageOf(readings.get(queueOf(queue.channel, queue.notificationClass))) > readEveryMs) await refresh(queue);
      return left(queue);
    },
    take(queue) {
      const reading = readings.get(queueOf(queue.channel, queue.notificationClass));
      if (ageOf(reading) > readEveryMs) void refresh(queue);
      if (left(queue) <= 0) return false;
      if (ageOf(reading) > TRUST_MS) blind.set(keyOf(queue), (blind.get(keyOf(queue)) ?? 0) + 1);
      else reading?.taken.set(queue.app, (reading.taken.get(queue.app) ?? 0) + 1);
      return true;
    },
  };
}
