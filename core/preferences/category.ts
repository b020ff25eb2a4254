import type { Channel, NotificationClass } from "../delivery/channel.ts";

/** What holds for who chose nothing; "required": people cannot choose, and only a block stops it. */
export const CATEGORY_DEFAULTS = ["opted-in", "opted-out", "required"] as const;
export type CategoryDefault = (typeof CATEGORY_DEFAULTS)[number];

/** What people read, in one language. */
export interface CategoryLabel {
  title: string;
  description?: string | undefined;
}

/** At most `max` notifications of a category for each user in each window; windows follow one another from the beginning of 1970 on. */
export interface FrequencyCap {
  max: number;
  windowMs: number;
  /** What is beyond it waits for the next window; else it is suppressed. */
  defer: boolean;
}

/** What an app writes about. Stored with the app (AppRecord). */
export interface Category {
  name: string;
  /** By BCP 47 tag. */
  labels: Record<string, CategoryLabel>;
  notificationClass?: NotificationClass | undefined;
  default: CategoryDefault;
  /** Instead of `default`, by tenant. */
  tenantDefaults?: Record<string, CategoryDefault> | undefined;
  /** Channels that are off until a person turns them on. */
  channelsOff?: Channel[] | undefined;
  /** Not shown to people. */
  hidden?: boolean | undefined;
  /** Lower ones come first; absent: 0. */
  order?: number | undefined;
  /** Transactional mails of it carry List-Unsubscribe, too. */
  unsubscribeTransactional?: boolean | undefined;
  cap?: FrequencyCap | undefined;
  /** "send": also in a user's quiet hours; absent: what is not critical waits for their end. */
  quietHours?: "wait" | "send" | undefined;
}

/** An app has at most so many: they are read with its record at each lookup. */
export const CATEGORIES_MAX = 100;

/** What holds for a user who chose nothing about this category on this channel. A category that was never put is opted in. */
export function defaultOf(category: Category | undefined, channel: Channel, tenant?: string): CategoryDefault {
  if (category === undefined) return "opted-in";
  const own = (tenant === undefined ? undefined : category.tenantDefaults?.[tenant]) ?? category.default;
  return own === "opted-in" && category.channelsOff?.includes(channel) ? "opted-out" : own;
}
