import type { NotificationClass } from "../delivery/channel.ts";
import type { OffsetAt } from "../ports/time-zones.ts";
import type { Category } from "./category.ts";
import type { Profile, QuietHours } from "./profile.ts";
import { quietUntil } from "./quiet-hours.ts";

/** Hours of each day in which something may not be sent. */
export interface ClosedHours extends QuietHours {
  timeZone: string;
}

/** Whether a user's quiet hours hold: never for what is critical, always for marketing, and else as the category says. Pure. */
export const keepsQuietHours = (notificationClass: NotificationClass, category: Pick<Category, "quietHours"> | undefined): boolean =>
  notificationClass === "marketing" || (notificationClass === "transactional" && category?.quietHours !== "send");

/** A user's own quiet hours; undefined without them, or without a time zone. */
export const quietHoursOf = ({ timeZone, quietHours }: Profile): ClosedHours | undefined =>
  timeZone === undefined || quietHours === undefined ? undefined : { ...quietHours, timeZone };

/** How often hours may follow upon others before nothing is looked for any more: they alternate and leave no moment free. */
const IN_A_ROW_MAX = 8;

/** The first moment, not before now, that is in none of these hours; Infinity where there is none. In ms since the epoch. Pure. */
export function openAt(closed: readonly ClosedHours[], now: number, offsetAt: OffsetAt): number {
  let at = now;
  for (let i = 0; i <= IN_A_ROW_MAX; i++) {
    const end = endOf(closed, at, offsetAt);
    if (end === undefined) return at;
    at = end;
  }
  return Number.POSITIVE_INFINITY;
}

function endOf(closed: readonly ClosedHours[], at: number, offsetAt: OffsetAt): number | undefined {
  for (const hours of closed) {
    const end = quietUntil(hours, hours.timeZone, at, offsetAt);
    if (end !== undefined) return end;
  }
  return undefined;
}
