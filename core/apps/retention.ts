import { CLASSES, type NotificationClass } from "../delivery/channel.ts";
import { DAY_MS, PURGE_AGE_MS_MIN } from "../delivery/lifetime.ts";

export type DaysByClass = Partial<Record<NotificationClass, number>>;

/** An app's own days; where one is absent, the installation's apply. */
export interface RetentionLimits {
  /** For which contents are kept after their notification ended. */
  contentDays?: DaysByClass | undefined;
  /** For which notifications are kept after they ended, with their attempts. */
  metadataDays?: DaysByClass | undefined;
}

/** How long what has ended is kept, in ms from the end of a notification's last delivery. */
export interface Retention {
  content: Readonly<Record<NotificationClass, number>>;
  /** Notification, deliveries and attempts. */
  metadata: Readonly<Record<NotificationClass, number>>;
}

/** Days for which content is kept. More than the largest value is a typing error. */
export const CONTENT_DAYS = { min: 1, max: 3_650, default: 30 } as const;
/** Days for which notifications are kept: at least as long as an idempotency key is promised to hold, and as a copy of a task may come back. */
export const METADATA_DAYS = { min: PURGE_AGE_MS_MIN / DAY_MS, max: 3_650, default: 400 } as const;

type Bounds = Readonly<{ min: number; max: number }>;

export const areDays = (days: DaysByClass, { min, max }: Bounds): boolean =>
  Object.entries(days).every(
    ([name, value]) => CLASSES.some((c) => c === name) && Number.isSafeInteger(value) && value >= min && value <= max,
  );

/**
 * Days by class from text such as "30" or "30,critical=7": the first for every class that is not named. Throws an Error that says the rule.
 */
export function readDays(text: string, bounds: Bounds): Record<NotificationClass, number> {
  const days: Record<string, number> = {};
  for (const item of text.split(",")) {
    const [, named, value] = /^(?:([a-z]+)=)?(\d{1,5})$/.exec(item.trim()) ?? [];
    const names = named === undefined ? CLASSES.filter((c) => days[c] === undefined) : [named];
    if (value === undefined) throw new Error(daysRule(bounds));
    for (const name of names) days[name] = Number(value);
  }
  if (!areDays(days, bounds) || CLASSES.some((c) => days[c] === undefined)) throw new Error(daysRule(bounds));
  return days as Record<NotificationClass, number>;
}

const daysRule = ({ min, max }: Bounds) =>
  `must be days from ${min} to ${max} for all classes, such as 30, and may name others by class (${CLASSES.join(", ")}), such as 30,critical=7`;

/** What holds for an app: its own days, else the installation's. A content is never kept longer than its notification, which has it. */
export function retentionOf(installation: Retention, { contentDays, metadataDays }: RetentionLimits): Retention {
  const byClass = (own: DaysByClass | undefined, other: Retention["content"]) =>
    record((c) => (own?.[c] === undefined ? other[c] : own[c] * DAY_MS));
  const metadata = byClass(metadataDays, installation.metadata);
  const content = byClass(contentDays, installation.content);
  return { content: record((c) => Math.min(content[c], metadata[c])), metadata };
}

/** @param content days by class; @param metadata likewise */
export const retentionOfDays = (content: Record<NotificationClass, number>, metadata: Record<NotificationClass, number>): Retention =>
  retentionOf({ content: record((c) => content[c] * DAY_MS), metadata: record((c) => metadata[c] * DAY_MS) }, {});

const record = (ofClass: (c: NotificationClass) => number) =>
  Object.fromEntries(CLASSES.map((c) => [c, ofClass(c)])) as Record<NotificationClass, number>;
