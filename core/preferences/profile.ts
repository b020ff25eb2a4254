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
