import { type Delivery, isOpen, type NotificationRecord } from "../../core/delivery/notification.ts";

/** Notifications read at once, in rows: each may hold a long e-mail. */
const PAGE_ROWS = 200;

/** When the last of the failed ended, in ms since the epoch; undefined where none has failed. */
export function failedAt(deliveries: readonly Delivery[]): number | undefined {
  let latest: number | undefined;
  for (const { state, endedAt } of deliveries)
    if (state === "failed" && endedAt !== undefined && (latest === undefined || endedAt > latest)) latest = endedAt;
  return latest;
}

/** A notification at its place in the order of failures; the place only moves on while anything of it is failed. */
export interface FailedRow {
  failedAt: number;
  record: NotificationRecord;
}

/** Up to `limit` rows above (failedAt, id), in that order. */
export type FailedPage = (failedAt: number, id: string, limit: number) => Promise<FailedRow[]>;

/**
 * Those of which a delivery failed at or after `from` and before `to`. What fails further meanwhile moves on, beyond `to` too, so reading
 * goes on to the end: nothing is missed. Nor does it come twice: remembered are those still open, and overload bounds how many those are.
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
