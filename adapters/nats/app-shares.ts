import type { Channel, NotificationClass } from "../../core/delivery/channel.ts";
import type { AppQueue } from "../../core/delivery/outbox-key.ts";
import { roomOf } from "../../core/delivery/share.ts";
import type { AppStore } from "../../core/ports/app-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { QueueDepth, QueueDepths } from "../../core/ports/queue.ts";

/** A reading is used for this long, in ms: a queue's bound is worth four of them. */
const READ_EVERY_MS = 100;
/** What is older says nothing about the queue now. */
const TRUST_MS = 1_000;
/** So many tasks an app may publish before the first reading, or the first after a pause: a batch on an idle system does not wait for it. */
export const BLIND_MAX = 512;
/** An app's weight is read again after this, in ms. */
const WEIGHT_LIFE_MS = 30_000;
const DEFAULT_WEIGHT = 1;

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
  /** By app: tasks taken since. */
  taken: Map<string, number>;
}

export function createAppShares({ depths, apps, clock }: { depths: QueueDepths; apps: Pick<AppStore, "find">; clock: Clock }): AppShares {
  const readings = new Map<string, Reading>();
  /** By queue and app: tasks taken while no reading could be trusted. */
  const blind = new Map<string, number>();
  const underWay = new Map<string, Promise<void>>();
  const weightOf = createWeights(apps, clock);

  const queueOf = (channel: Channel, notificationClass: NotificationClass) => `${channel}.${notificationClass}`;
  const keyOf = ({ channel, notificationClass, app }: AppQueue) => `${queueOf(channel, notificationClass)}.${app}`;
  const ageOf = (reading: Reading | undefined) => (reading ? clock.monotonic() - reading.at : Number.POSITIVE_INFINITY);

  function refresh({ channel, notificationClass }: AppQueue): Promise<void> {
    const queue = queueOf(channel, notificationClass);
    const begun = underWay.get(queue);
    if (begun) return begun;
    const reading = depths.read(channel, notificationClass).then((depth) => {
      readings.set(queue, { at: clock.monotonic(), depth, taken: new Map() });
      for (const key of blind.keys()) if (key.startsWith(`${queue}.`)) blind.delete(key);
      underWay.delete(queue);
    });
    underWay.set(queue, reading);
    return reading;
  }

  function left({ channel, notificationClass, app }: AppQueue): number {
    const reading = readings.get(queueOf(channel, notificationClass));
    if (ageOf(reading) > TRUST_MS) return BLIND_MAX - (blind.get(keyOf({ channel, notificationClass, app })) ?? 0);
    if (!reading?.depth) return Number.POSITIVE_INFINITY;
    return Math.max(0, roomOf(reading.depth, app, weightOf) - (reading.taken.get(app) ?? 0));
  }

  return {
    async room(queue) {
      if (ageOf(readings.get(queueOf(queue.channel, queue.notificationClass))) > READ_EVERY_MS) await refresh(queue);
      return left(queue);
    },
    take(queue) {
      const reading = readings.get(queueOf(queue.channel, queue.notificationClass));
      if (ageOf(reading) > READ_EVERY_MS) void refresh(queue);
      if (left(queue) <= 0) return false;
      if (ageOf(reading) > TRUST_MS) blind.set(keyOf(queue), (blind.get(keyOf(queue)) ?? 0) + 1);
      else reading?.taken.set(queue.app, (reading.taken.get(queue.app) ?? 0) + 1);
      return true;
    },
  };
}

/** An app's weight as last read; the default until it is. */
function createWeights(apps: Pick<AppStore, "find">, clock: Pick<Clock, "monotonic">): (app: string) => number {
  const known = new Map<string, { at: number; weight: number }>();
  return (id) => {
    const now = clock.monotonic();
    const before = known.get(id);
    if (!before || now - before.at > WEIGHT_LIFE_MS) {
      const entry = { at: now, weight: before?.weight ?? DEFAULT_WEIGHT };
      known.set(id, entry);
      apps.find(id).then(
        (app) => {
          entry.weight = app?.limits.weight ?? DEFAULT_WEIGHT;
        },
        () => undefined,
      );
    }
    return known.get(id)!.weight;
  };
}
