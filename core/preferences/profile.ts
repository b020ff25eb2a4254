import { canonicalTag, type SettingFault } from "./category.ts";

/** What is known of a user besides endpoints and choices. */
export interface Profile {
  /** BCP 47. */
  locale?: string | undefined;
  /** IANA, for example "Asia/Seoul". */
  timeZone?: string | undefined;
  /** In the user's time zone. */
  quietHours?: QuietHours | undefined;
  tenant?: string | undefined;
}

/** Minutes after midnight; `until` is not included, and smaller than `from` where they last over midnight. */
export interface QuietHours {
  fromMinute: number;
  untilMinute: number;
}

export interface ProfileRecord {
  app: string;
  userId: string;
  profile: Profile;
  /** Counts the changes, from 1. */
  version: number;
  /** ms since the epoch. */
  updatedAt: number;
}

export function profileFaults({ locale, timeZone, quietHours }: Profile): SettingFault[] {
  const faults: SettingFault[] = [];
  if (locale !== undefined && canonicalTag(locale) === undefined)
    faults.push({ field: "locale", rule: "profile.locale", message: "must be a language tag of BCP 47, for example ko or pt-BR" });
  if (timeZone !== undefined && !isTimeZone(timeZone))
    faults.push({ field: "time_zone", rule: "profile.time_zone", message: "must be a time zone's IANA name, for example Asia/Seoul" });
  if (quietHours && timeZone === undefined)
    faults.push({ field: "time_zone", rule: "profile.time_zone", message: "must be given with quiet_hours, which are hours of that zone" });
  if (quietHours && quietHours.fromMinute === quietHours.untilMinute)
    faults.push({ field: "quiet_hours", rule: "profile.quiet_hours", message: "must not begin and end at the same minute" });
  return faults;
}

/** An offset is none: it knows no summer time. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
