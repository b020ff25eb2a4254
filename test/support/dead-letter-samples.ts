import type { Delivery } from "../../core/delivery/notification.ts";
import type { AttemptRecord } from "../../core/ports/attempt-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { claimOf, T0 } from "./busy-writer.ts";
import { sampleNotification } from "./notification-samples.ts";

/** Stores a failed delivery whose attempts had these outcomes; its id. */
export async function insertDeadLetter(
  store: Store,
  key: string,
  outcomes: AttemptRecord["outcome"][],
  over: Partial<Delivery> = {},
): Promise<string> {
  const n = sampleNotification(key, T0);
  const [d] = n.deliveries;
  const ended = {
    state: "failed",
    reason: { code: "rejected", detail: "content" },
    nextAt: undefined,
    endedAt: T0 + 5,
    attempt: outcomes.length,
  } as const;
  await store.notifications.insert([{ ...n, deliveries: [{ ...d!, ...ended, ...over }] }]);
  await store.attempts.claim(outcomes.map((outcome, i) => claimOf({ id: d!.id, attempt: i + 1 }, { outcome })));
  return d!.id;
}
