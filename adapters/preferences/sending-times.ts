import type { Clock } from "../../core/ports/clock.ts";
import type { DeliveryTask } from "../../core/ports/queue.ts";
import type { Store } from "../../core/ports/store.ts";
import type { OffsetAt } from "../../core/ports/time-zones.ts";
import { type AdvertisingHours, advertisingHours, hasSeparateConsent } from "../../core/preferences/advertising-hours.ts";
import { endpointSubject, type PreferenceRecord, userSubject } from "../../core/preferences/opt-out.ts";
import type { Profile } from "../../core/preferences/profile.ts";
import { keepsQuietHours, openAt, quietHoursOf } from "../../core/preferences/sending-time.ts";
import { endpointId as idOf } from "../ids.ts";
import type { ServedApps } from "../store/served-apps.ts";
import { StoreError } from "../store/store-error.ts";
import { createOffsets } from "../time-zones.ts";
import { createReader, type Reader } from "./reader.ts";

/** Whether something may be sent at this time of the day. `until` in ms since the epoch; Infinity where no moment is free. */
export type SendingTime = { kind: "open" } | { kind: "closed"; until: number } | { kind: "unreadable" };

type Asked = Pick<DeliveryTask, "app" | "userId" | "notificationClass" | "category" | "channel" | "endpointId"> & {
  endpoint: DeliveryTask["endpoint"] | undefined;
};

/** Never rejects because of the store. */
export type SendingTimes = (task: Asked) => Promise<SendingTime>;

const OPEN: SendingTime = { kind: "open" };

interface Parts {
  profileOf: Reader<Profile>;
  /** By subject. */
  preferencesOf: Reader<PreferenceRecord>;
  appOf: ServedApps;
  offsetAt: OffsetAt;
  clock: Pick<Clock, "now">;
}

/**
 * Answers from the user's quiet hours and, for marketing, from the hours in which the recipient's country permits advertising. What is critical may be
 * sent at any time, and nothing is read for it.
 */
export function createSendingTimes({ profileOf, preferencesOf, appOf, offsetAt, clock }: Parts): SendingTimes {
  async function isConsented({ app, userId, channel, endpoint, endpointId }: Asked, category: string): Promise<boolean> {
    const id = endpointId ?? (endpoint && idOf(endpoint));
    const subjects = [...(userId === undefined ? [] : [userSubject(userId)]), ...(id === undefined ? [] : [endpointSubject(id)])];
    const found = await Promise.all(subjects.map((subject) => preferencesOf(app, subject)));
    return hasSeparateConsent(
      found.filter((record) => record !== undefined),
      { channel, category },
      clock.now(),
    );
  }

  async function holds(asked: Asked, law: AdvertisingHours | undefined): Promise<boolean> {
    if (law === undefined) return false;
    const now = clock.now();
    if (law.consentCategory === undefined || openAt([law], now, offsetAt) === now) return true;
    return !(await isConsented(asked, law.consentCategory));
  }

  async function openFrom(asked: Asked): Promise<number> {
    const { app, userId, notificationClass, category, channel, endpoint } = asked;
    const isKept = keepsQuietHours(notificationClass, (await appOf(app)).categories.get(category));
    const profile = isKept && userId !== undefined ? await profileOf(app, userId) : undefined;
    const law = notificationClass === "marketing" ? advertisingHours({ channel, endpoint, profile }, clock.now()) : undefined;
    const closed = [profile && quietHoursOf(profile), (await holds(asked, law)) ? law : undefined].filter((hours) => hours !== undefined);
    return openAt(closed, clock.now(), offsetAt);
  }

  return async (asked) => {
    if (asked.notificationClass === "critical") return OPEN;
    try {
      const until = await openFrom(asked);
      return until > clock.now() ? { kind: "closed", until } : OPEN;
    } catch (error) {
      if (error instanceof StoreError) return { kind: "unreadable" };
      throw error;
    }
  };
}

/** The same for a role, with readers of its own. */
export function openSendingTimes(role: { store: Pick<Store, "profiles" | "preferences">; appOf: ServedApps; clock: Clock }): SendingTimes {
  const { profiles, preferences } = role.store;
  return createSendingTimes({
    ...role,
    profileOf: createReader(async (app, ids) => (await profiles.find(app, ids)).map((r) => [r.userId, r.profile]), role.clock),
    preferencesOf: createReader(async (app, subjects) => (await preferences.find(app, subjects)).map((r) => [r.subject, r]), role.clock),
    offsetAt: createOffsets(),
  });
}
