import type { NotificationRecord } from "../../core/delivery/notification.ts";
import type { AttemptRecord } from "../../core/ports/attempt-store.ts";
import type { Store } from "../../core/ports/store.ts";

const PAGE_ROWS = 500;

/** Every notification of a test's store, in the order of their ids. */
export async function allNotifications({ notifications }: Pick<Store, "notifications">): Promise<NotificationRecord[]> {
  const all: NotificationRecord[] = [];
  for (;;) {
    const page = await notifications.page(all.at(-1)?.id ?? "", PAGE_ROWS);
    all.push(...page);
    if (page.length < PAGE_ROWS) return all;
  }
}

/** Every attempt of a test's store. */
export const allAttempts = ({ attempts }: Pick<Store, "attempts">): Promise<AttemptRecord[]> =>
  attempts.between("0".repeat(32), "f".repeat(32));
