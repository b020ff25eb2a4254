import { showsSomething } from "../content/codec.ts";
import type { Channel, NotificationClass } from "../delivery/channel.ts";

/** What holds for who chose nothing; "required": people cannot choose, and only a block stops it; marketing in it still obeys choices. */
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
/** Of all of an app's as JSON, in characters, for the same reason: 100 of them with labels in five languages have 50,000. */
export const CATEGORIES_LENGTH_MAX = 131_072;

/** What holds for a user who chose nothing about this category on this channel. A category that was never put is opted in. */
export function defaultOf(category: Category | undefined, channel: Channel, tenant?: string): CategoryDefault {
  if (category === undefined) return "opted-in";
  const { tenantDefaults = {}, default: ofAll } = category;
  // A tenant may be called "constructor".
  const own = tenant !== undefined && Object.hasOwn(tenantDefaults, tenant) ? tenantDefaults[tenant]! : ofAll;
  return own === "opted-in" && category.channelsOff?.includes(channel) ? "opted-out" : own;
}

/** In the order in which people see them. */
const inOrder = (categories: readonly Category[]) =>
  categories.toSorted((a, b) => (a.order ?? 0) - (b.order ?? 0) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));

/** With one that is put, instead of the one of the same name; undefined where an app would have more than it may. */
export function withCategory(categories: readonly Category[], category: Category): Category[] | undefined {
  const all = inOrder([...categories.filter(({ name }) => name !== category.name), category]);
  return all.length > CATEGORIES_MAX || JSON.stringify(all).length > CATEGORIES_LENGTH_MAX ? undefined : all;
}

/** A rule of a category or a profile that the contract cannot express; `field` is relative to it. */
export interface SettingFault {
  field: string;
  rule: string;
  message: string;
}

export function categoryFaults({ labels, notificationClass, default: own, tenantDefaults = {}, quietHours }: Category): SettingFault[] {
  const faults: SettingFault[] = [];
  const add = (field: string, rule: string, message: string) => faults.push({ field, rule, message });
  for (const [tag, { title, description }] of Object.entries(labels)) {
    const field = `labels["${tag}"]`;
    if (canonicalTag(tag) !== tag) add(field, "label.tag", "the key must be a language tag as BCP 47 writes it, for example en or pt-BR");
    if (!showsSomething(title)) add(`${field}.title`, "label.shown", "must show something");
    for (const [name, text] of Object.entries({ title, description }))
      if (text !== undefined && /\p{Cc}/u.test(text)) add(`${field}.${name}`, "label.line", "must be one line without control characters");
  }
  if (notificationClass === "marketing") {
    if (quietHours === "send")
      add("quiet_hours", "category.marketing", "must not be SEND for marketing: it waits for the end of quiet hours");
    const required = "must not be REQUIRED for marketing: people may refuse it";
    if (own === "required") add("default", "category.marketing", required);
    for (const [tenant, value] of Object.entries(tenantDefaults))
      if (value === "required") add(`tenant_defaults["${tenant}"]`, "category.marketing", required);
  }
  return faults;
}

/** Undefined: it is none. */
export function canonicalTag(tag: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}
