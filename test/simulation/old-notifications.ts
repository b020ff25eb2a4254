// Notifications accepted long before the simulation starts: some have ended, and late copies of their tasks come back; some are scheduled for
// now. Purges remove the former and must not touch the latter.
import { notificationId } from "../../adapters/ids.ts";
import { PURGE_AGE_MS_MIN } from "../../core/delivery/lifetime.ts";
import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import { reason } from "../../core/delivery/reason.ts";
import { toTask } from "../../core/delivery/task.ts";
import { voidAttempt } from "../../core/delivery/void-attempt.ts";
import { APP, USERS } from "./callers.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Simulation } from "./simulation.ts";
import type { Stream } from "./stream.ts";

const DAY_MS = 86_400_000;
/** Of each kind. */
const OLD_MAX = 3;
const PURGES_MAX = 6;
const COPIES_MAX = 5;

export interface OldNotifications {
  /** Delivery ids that are still to be sent. */
  readonly scheduled: readonly string[];
}

/** @param start starts a process; each purge runs in its own */
export async function createOldNotifications(
  { simulation, store, stream }: { simulation: Simulation; store: MemoryStore; stream: Stream },
  start: () => SimulatedProcess,
  badMs: number,
): Promise<OldNotifications> {
  const { random, time } = simulation;
  const some = (max: number) => Array.from({ length: random.below(max + 1) }, (_, i) => i);
  const began = time.now();
  const record = (key: string, over: Partial<NotificationRecord>, delivery: Partial<Delivery>): NotificationRecord => {
    const id = notificationId(APP.id, key);
    const acceptedAt = began - PURGE_AGE_MS_MIN - 2 * DAY_MS;
    const endpoint = { channel: "sms", phoneNumber: "+4915100000000" } as const;
    return {
      ...{ id, app: APP.id, idempotencyKey: key, payloadHash: "00".repeat(32), recipient: { kind: "user", userId: USERS[0]! } },
      ...{ notificationClass: "critical", category: "orders", content: { sms: { text: "old" } }, priority: "normal" },
      ...{ acceptedAt, sendAt: acceptedAt, expiresAt: acceptedAt + DAY_MS, ...over },
      deliveries: [{ id: `${id}-0`, channel: "sms", endpoint, state: "pending", attempt: 1, publishCount: 0, ...delivery }],
    };
  };

  const ended = some(OLD_MAX).map((i) => {
    const pending = record(`ended-${i}`, {}, {});
    const [delivery] = pending.deliveries;
    const endedAt = pending.expiresAt;
    return {
      pending,
      record: { ...pending, deliveries: [{ ...delivery!, state: "expired" as const, reason: reason("expired"), endedAt }] },
    };
  });
  const scheduled = some(OLD_MAX).map((i) => {
    const sendAt = began + random.below(badMs);
    return record(`scheduled-${i}`, { sendAt, expiresAt: sendAt + DAY_MS }, { nextAt: sendAt });
  });
  await store.notifications.insert([...ended.map((e) => e.record), ...scheduled]);
  await store.attempts.claim(
    ended.map(({ pending: { id, expiresAt } }) =>
      voidAttempt(
        { deliveryId: `${id}-0`, attempt: 1 },
        "long ago",
        { kind: "void", state: "expired", reason: reason("expired") },
        expiresAt,
      ),
    ),
  );

  for (const { pending } of ended)
    for (const publication of some(COPIES_MAX)) {
      const copy = toTask({ ...pending }, { ...pending.deliveries[0]!, publishCount: publication });
      time.after(random.below(badMs), () => {
        if (simulation.happens("copy of a task long expired", 1)) void stream.publish(copy);
      });
    }
  function judgeAttempts(): void {
    for (const { record } of ended)
      if (store.notifications.inside.get(record.id) && !store.attempts.inside.get(`${record.id}-0/1`))
        simulation.broken("2 a notification is purged with its attempts", record.id);
  }
  const scope = { app: APP.id, notificationClass: "critical" } as const;
  for (const _ of some(PURGES_MAX))
    time.after(random.below(badMs), () => {
      if (!simulation.happens("purge", 1)) return;
      const retention = start().wrap("store", { purge: store.purge, deleteContent: store.deleteContent }, "store");
      // Of everything that has ended: nothing of it is sent or opened again.
      void retention
        .deleteContent({ ...scope, before: time.now() }, time.now(), 1 + random.below(2))
        .then(() => retention.purge({ ...scope, before: time.now() - PURGE_AGE_MS_MIN }, 1 + random.below(2)))
        .catch(() => undefined)
        .then(judgeAttempts);
    });
  return { scheduled: scheduled.map(({ id }) => `${id}-0`) };
}
