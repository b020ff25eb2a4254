import { type Delivery, isOpen, type NotificationRecord } from "../../core/delivery/notification.ts";

/** Notifications read in one page, in rows. */
const PAGE_ROWS = 200;

/** When the last of the failed ended, in ms since the epoch; undefined where none has failed. */
export function failedAt(deliveries: readonly Delivery[]): number | undefined {
  let latest: number | undefined;
  for (const { state, endedAt } of deliveries)
    if (state === "failed" && endedAt !== undefined && (latest === undefined || endedAt > latest)) latest = endedAt;
  return latest;
}

/** A notification and its place in the order of failures; the place only moves forward while one of its deliveries is failed. */
export interface FailedRow {
  failedAt: number;
  record: NotificationRecord;
}

/** Up to `limit` rows above (failedAt, id), in that order. */
export type FailedPage = (failedAt: number, id: string, limit: number) => Promise<FailedRow[]>;

/**
 * Notifications of which a delivery failed at or after `from` and before `to`. One of which another delivery fails meanwhile moves forward, perhaps
 * beyond `to`, so reading goes on to the end and misses none. None comes twice: ids that may still move are remembered, and the overload
 * bound limits how many there are.
 */
export async function* readFailed(page: FailedPage, from: number, to: number): AsyncGenerator<NotificationRecord> {
  const mayMoveOn = new Set<string>();
  // No id is the smallest there is, so this begins with the first row at `from`.
  let [at, id] = [from, ""];
  for (;;) {
    const rows = await page(at, id, PAGE_ROWS);
    for (const { record } of rows) {
      if (mayMoveOn.has(record.id) || !failedWithin(record, from, to)) continue;
      if (record.deliveries.some((delivery) => isOpen(delivery.state))) mayMoveOn.add(record.id);
      yield record;
    }
    const last = rows.at(-1);
    if (!last || rows.length < PAGE_ROWS) return;
    [at, id] = [last.failedAt, last.record.id];
  }
}

const failedWithin = ({ deliveries }: NotificationRecord, from: number, to: number) =>
  deliveries.some(({ state, endedAt }) => state === "failed" && endedAt !== undefined && endedAt >= from && endedAt < to);
