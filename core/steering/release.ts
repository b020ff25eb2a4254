import { applyTransitions } from "../delivery/apply-transitions.ts";
import { type Channel, CLASSES } from "../delivery/channel.ts";
import type { Delivery, NotificationRecord } from "../delivery/notification.ts";
import { isUnpublished } from "../delivery/outbox-key.ts";
import { factsOf, released, type Transition } from "../delivery/transitions.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventRecorder } from "../ports/event-recorder.ts";
import type { Store } from "../ports/store.ts";

/** Written in one go; one round trip's worth. */
const BATCH = 200;
/** Made due in a second at most: about as many as relays publish and the queues have room for. */
const RELEASES_PER_SECOND = 10_000;

export interface ReleaseParts {
  store: { notifications: Pick<Store["notifications"], "open" | "change"> };
  recorder: EventRecorder;
  clock: Pick<Clock, "now" | "monotonic" | "sleep">;
  signal?: AbortSignal | undefined;
}

/** Whether it waits in the store for a later moment, and no task of it is queued. */
export const waitsInStore = (d: Delivery, now: number): boolean =>
  d.state === "pending" && isUnpublished(d) && d.nextAt !== undefined && d.nextAt > now;

/**
 * Makes due now what waits in the store and is wanted, critical first, at a bounded pace. Resolves with how many, by channel. It can be interrupted and begun
 * again at any time: what is due already is left as it is. What changes meanwhile may be missed.
 */
export async function releaseWaiting(
  { store, recorder, clock, signal }: ReleaseParts,
  isWanted: (n: NotificationRecord, d: Delivery) => boolean,
): Promise<Partial<Record<Channel, number>>> {
  const counts: Partial<Record<Channel, number>> = {};
  let batch: { transition: Transition; channel: Channel }[] = [];
  async function flush(): Promise<void> {
    if (batch.length === 0) return;
    const [began, writing] = [clock.monotonic(), batch];
    batch = [];
    const applied = await applyTransitions(
      store.notifications,
      recorder,
      writing.map(({ transition }) => transition),
    );
    for (const [i, { channel }] of writing.entries()) if (applied[i]) counts[channel] = (counts[channel] ?? 0) + 1;
    const restMs = (writing.length * 1_000) / RELEASES_PER_SECOND - (clock.monotonic() - began);
    if (restMs >= 1) await clock.sleep(restMs, signal);
  }
  for (const notificationClass of CLASSES) {
    for await (const n of store.notifications.open(notificationClass)) {
      if (signal?.aborted) return counts;
      const now = clock.now();
      for (const d of n.deliveries)
        if (waitsInStore(d, now) && isWanted(n, d)) batch.push({ transition: released(factsOf(n, d), now, d.nextAt), channel: d.channel });
      if (batch.length >= BATCH) await flush();
    }
    // Before the next class: what is critical does not wait for a batch to fill.
    await flush();
  }
  return counts;
}
