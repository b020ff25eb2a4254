import { endpointIds } from "../../adapters/ids.ts";
import type { AppRecord } from "../../core/apps/app.ts";
import { maskEndpoint } from "../../core/delivery/endpoint.ts";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import type { ContactRecord } from "../../core/ports/contact-store.ts";
import { LAST_PLACE } from "../../core/ports/notification-store.ts";
import type { Store } from "../../core/ports/store.ts";
import type { ChangeEntry } from "../../core/preferences/change.ts";
import { endpointSubject, userSubject } from "../../core/preferences/opt-out.ts";
import type { Profile } from "../../core/preferences/profile.ts";
import type { HistoryEntry } from "../person-view.ts";
import { latestChanges } from "./person-changes.ts";
import { historyEntry, type Sight } from "./person-history.ts";
import type { Known } from "./person-matrix.ts";
import { RequestFault } from "./route.ts";

/** Notifications that the page shows. */
const RECENT = 25;
/** Endpoints of a user that are read; people have fewer than ten. */
const ENDPOINTS_MAX = 100;

export type PersonStore = Pick<Store, "apps" | "contacts" | "notifications" | "preferences" | "profiles" | "steering" | "time">;

export interface Person extends Known {
  app: AppRecord;
  profile: Profile;
  changes: ChangeEntry[];
  /** There are older ones. */
  isHistoryCut: boolean;
  /** There are more endpoints. */
  isContactsCut: boolean;
  /** The latest first. */
  recent: NotificationRecord[];
}

/** Everything that is stored about one user of an app. Throws a RequestFault where there is no such app. */
export async function readPerson(store: PersonStore, appId: string, userId: string): Promise<Person> {
  const app = await store.apps.find(appId);
  if (app === undefined) throw new RequestFault("app must be the id of an app; there is none of this id", 404);
  const now = await store.time();
  const all = await store.contacts.list(appId, [userId]);
  const contacts = all.slice(0, ENDPOINTS_MAX);
  const subjects = [userSubject(userId), ...contacts.flatMap(({ endpoint }) => endpointIds(endpoint).map(endpointSubject))];
  const [records, profiles, recent] = await Promise.all([
    store.preferences.find(appId, subjects),
    store.profiles.find(appId, [userId]),
    store.notifications.search(appId, { kind: "recipient", recipient: { kind: "user", userId } }, EVER, RECENT),
  ]);
  const profile = profiles[0]?.profile ?? {};
  const { changes, isCut } = await latestChanges(store.preferences, appId, records);
  return {
    ...{ app, userId, contacts, profile, recent, now, tenant: profile.tenant },
    ...{ categories: app.categories ?? [], channels: app.channels },
    records: new Map(records.map((record) => [record.subject, record])),
    ...{ changes, isHistoryCut: isCut, isContactsCut: all.length > ENDPOINTS_MAX },
  };
}

const EVER = { from: 0, before: LAST_PLACE };

/** The changes in words. */
export function historyOf({ contacts, changes }: Pick<Person, "contacts" | "changes">, sight: Sight): HistoryEntry[] {
  const names = new Map(contacts.flatMap((contact) => namesOf(contact)));
  const own = contacts.map(({ endpoint }) => endpoint);
  return changes.map((entry) => historyEntry(entry, names.get(entry.subject) ?? "", { sight, own }));
}

const namesOf = ({ endpoint }: ContactRecord): (readonly [subject: string, name: string])[] =>
  endpointIds(endpoint).map((id) => [endpointSubject(id), maskEndpoint(endpoint)]);
