import { CancelContendedError, cancelNotifications } from "../../core/delivery/cancel.ts";
import { isOpen, type NotificationRecord, type Recipient } from "../../core/delivery/notification.ts";
import { reason } from "../../core/delivery/reason.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { ContactRecord } from "../../core/ports/contact-store.ts";
import type { EventRecorder } from "../../core/ports/event-recorder.ts";
import { FIRST_PLACE } from "../../core/ports/notification-store.ts";
import type { ErasedCounts, Store } from "../../core/ports/store.ts";
import { endpointSubject, type OptOut, type PreferenceRecord, userSubject } from "../../core/preferences/opt-out.ts";
import { refusalsToKeep } from "../../core/preferences/tombstone.ts";
import { type Choices, ERASURE } from "./choices.ts";
import type { ErasureKey } from "./erasure-key.ts";
import { ownEndpoints } from "./export-user.ts";
import type { Tombstones } from "./tombstones.ts";

/** Notifications read and erased together: SQLite, which has one writer at a time, is busy with them for some ms. */
const PAGE = 50;
/** How often the last steps are tried while the user changes their choices. */
const REMOVE_TRIES_MAX = 5;

export interface EraseUserParts {
  store: Pick<Store, "notifications" | "attempts" | "contacts" | "profiles" | "preferences" | "erase" | "overwriteDeleted">;
  choices: Choices;
  tombstones: Pick<Tombstones, "restore">;
  key: ErasureKey;
  recorder: EventRecorder;
  clock: Pick<Clock, "now">;
}

/** What the report holds. Moments are in ISO 8601. */
interface ErasureReport {
  version: 1;
  app: string;
  /** HMAC of app and user id. */
  user_hash: string;
  requested_by: string;
  started_at: string;
  finished_at: string;
  /** False where something is left for the next call: it had no time, a provider was being called, or the store's files still hold what was deleted. */
  complete: boolean;
  /** How many of each kind. Contents and blobs that nobody else refers to are removed within some minutes. */
  erased: ErasedCounts & { endpoints: number; profiles: number; preferences: number; preference_changes: number };
  /** Deliveries that had not begun. */
  cancelled: number;
  /** Notifications of which a delivery is with a provider or in doubt. They end by themselves, and the next call erases them. */
  in_flight: number;
  /** Hashed subjects whose refusals are kept. */
  tombstones: number;
}

/**
 * Deletes what is stored of a user, and keeps their refusals under a hash. Each step may be interrupted and is done again by the next call: what a later step
 * needs to find is removed last. Refusals are kept before anything is deleted. Endpoints go after all notifications: a refusal that is made meanwhile is carried to
 * the addresses that are the user's alone, which nothing else names.
 *
 * It removes the contacts and the profile that it found when it began. A contact that is registered or renewed while it runs is a new one and stays, and the kept
 * refusals hold for it: removeChoices() leaves or restores them, and the registration's last step restores what was removed before.
 * @param hasTime false: it stops, and the report says that it is not complete
 * Rejects with a StoreError, or with what `choices` does.
 */
export async function eraseUser(
  { store, choices, tombstones, key, recorder, clock }: EraseUserParts,
  { app, userId, requestedBy }: { app: string; userId: string; requestedBy: string },
  hasTime: () => boolean,
): Promise<ErasureReport> {
  const startedAt = clock.now();
  const subject = userSubject(userId);
  const erased = { notifications: 0, attempts: 0, attributions: 0, poison: 0, contents: 0, blobs: 0 };
  const counts = { ...erased, endpoints: 0, profiles: 0, preferences: 0, preference_changes: 0 };
  let [cancelled, inFlight] = [0, 0];
  const keptSubjects = new Set<string>();
  const findRecord = async (of: string) => (await store.preferences.find(app, [of]))[0];

  async function keepRefusals(of: string, record: PreferenceRecord | undefined, more: readonly OptOut[] = []): Promise<OptOut[]> {
    const optOut = [...refusalsToKeep(record ?? { optOuts: [] }, clock.now()), ...more];
    if (optOut.length > 0) {
      await store.preferences.update(app, key.tombstoneOf(app, of), { optOut, origin: ERASURE }, clock.now());
      keptSubjects.add(of);
    }
    return optOut;
  }

  /** True once nothing of them is left, but for what is in flight. */
  async function eraseTo(recipient: Recipient): Promise<{ isDone: boolean; inFlight: number }> {
    let open = 0;
    for (let after = FIRST_PLACE; hasTime(); ) {
      const page = await store.notifications.ofRecipient(app, recipient, after, PAGE);
      const last = page.at(-1);
      if (last === undefined) return { isDone: true, inFlight: open };
      cancelled += await cancelOpen(page);
      const done = await store.erase(
        page.map(({ id }) => id),
        clock.now(),
      );
      for (const kind of Object.keys(done) as (keyof ErasedCounts)[]) counts[kind] += done[kind];
      open += await countOpen(page);
      after = last;
    }
    return { isDone: false, inFlight: open };
  }

  /** Cancels what has not begun. What a provider has, or may have, is not repeated and ends by itself. */
  async function cancelOpen(page: readonly NotificationRecord[]): Promise<number> {
    const open = new Set(page.flatMap(({ deliveries }) => deliveries.flatMap(({ id, state }) => (isOpen(state) ? [id] : []))));
    const how = { reason: reason("erased"), now: clock.now() };
    const results = await cancelNotifications({ store, recorder }, page, how).catch((error: unknown) => {
      // What is changing all the time counts as in flight, and the next call tries again.
      if (error instanceof CancelContendedError) return [];
      throw error;
    });
    return results.filter(({ delivery, outcome }) => outcome === "cancelled" && open.has(delivery.id)).length;
  }

  async function countOpen(page: readonly NotificationRecord[]): Promise<number> {
    const were = page.filter(({ deliveries }) => deliveries.some(({ state }) => isOpen(state)));
    const are = await Promise.all(were.map(({ id }) => store.notifications.find(id)));
    return are.filter((record) => record?.deliveries.some(({ state }) => isOpen(state))).length;
  }

  const keepUserRefusals = async () => keepRefusals(subject, await findRecord(subject));

  /** What this call has refused for addresses. */
  const carried = new Set<string>();

  /** What the user refused is refused for the address, too, when it is given outright. Resolves with whether anything was new to it. */
  async function refuseFor({ endpoint, endpointId }: ContactRecord, refused: readonly OptOut[]): Promise<boolean> {
    const of = endpointSubject(endpointId);
    const { channel } = endpoint;
    const keyOf = ({ category, until }: OptOut) => `${of} ${category} ${until}`;
    const optOut = refused
      .filter((refusal) => (refusal.channel === "*" || refusal.channel === channel) && !carried.has(keyOf(refusal)))
      .map((refusal) => ({ ...refusal, channel }));
    if (optOut.length > 0) await choices.ofEndpoint(app, endpoint, { optOut });
    await keepRefusals(of, await findRecord(of), optOut);
    for (const refusal of optOut) carried.add(keyOf(refusal));
    return optOut.length > 0;
  }

  /** What is only this user's, but for the endpoint itself, by which it is found. */
  async function eraseEndpoint(contact: ContactRecord): Promise<boolean> {
    const { endpoint, endpointId } = contact;
    const of = endpointSubject(endpointId);
    await refuseFor(contact, await keepUserRefusals());
    const to = await eraseTo({ kind: "endpoint", endpoint });
    inFlight += to.inFlight;
    if (!to.isDone || to.inFlight > 0) return false;
    const record = await findRecord(of);
    // A provider's words may quote the address.
    const block = record?.blocks.map((b) => ({ ...b, reason: "" })) ?? [];
    if (block.length > 0) await store.preferences.update(app, of, { block, origin: ERASURE }, clock.now());
    counts.preference_changes += await store.preferences.removeHistory(app, of);
    return true;
  }

  /** What the user refused since is kept as well, also for their own addresses. */
  async function keepLateRefusals(record: PreferenceRecord | undefined, own: readonly ContactRecord[]): Promise<void> {
    const refused = await keepRefusals(subject, record);
    for (const contact of own)
      if (await refuseFor(contact, refused))
        counts.preference_changes += await store.preferences.removeHistory(app, endpointSubject(contact.endpointId));
  }

  const isRegistered = async () => (await store.contacts.list(app, [userId])).length > 0;

  /** False where they never stop changing. */
  async function removeChoices(own: readonly ContactRecord[]): Promise<boolean> {
    for (let tries = 1; tries <= REMOVE_TRIES_MAX; tries++) {
      // First of all: without the mark a registration restores the refusals, and the record has another version.
      await store.preferences.remove(app, key.restorationOf(app, subject));
      const record = await findRecord(subject);
      await keepLateRefusals(record, own);
      const isBack = await isRegistered();
      const choicesLeft = record ? [...(isBack ? [] : record.optOuts), ...record.consents] : [];
      if (choicesLeft.length > 0) {
        await choices.ofUser(app, userId, { forget: choicesLeft });
        // A contact that was registered since it was looked needs them.
        const optOut = refusalsToKeep(record ?? { optOuts: [] }, clock.now());
        if (optOut.length > 0 && (await isRegistered())) await choices.ofUser(app, userId, { optOut });
        continue;
      }
      counts.preference_changes += await store.preferences.removeHistory(app, subject);
      if (isBack) {
        await tombstones.restore(app, userId);
        return true;
      }
      if (!record) return true;
      if (await store.preferences.remove(app, subject, record.version)) {
        counts.preferences++;
        return true;
      }
    }
    return false;
  }

  const found = await store.contacts.list(app, [userId]);
  const [profile] = await store.profiles.find(app, [userId]);
  await keepUserRefusals();
  const toUser = await eraseTo({ kind: "user", userId });
  inFlight += toUser.inFlight;
  let isDone = toUser.isDone;
  const own = await ownEndpoints(store, found, userId);
  for (const contact of own) isDone = (await eraseEndpoint(contact)) && isDone;
  // Until nothing is left that could be sent, it needs the quiet hours and the refusals.
  let complete = isDone && inFlight === 0;
  if (complete) {
    // A call that ends between here and removeChoices() no longer finds the addresses.
    await keepLateRefusals(await findRecord(subject), own);
    // Of shared ones the others' registrations, refusals and notifications stay.
    for (const { endpointId, registeredAt } of found)
      if (await store.contacts.remove(app, userId, endpointId, registeredAt)) counts.endpoints++;
    if (profile && (await store.profiles.remove(app, userId, profile.version))) counts.profiles++;
    complete = await removeChoices(own);
  }
  complete = ((await store.overwriteDeleted?.()) ?? true) && complete;
  return {
    ...({ version: 1, app, user_hash: key.hashOf(app, subject), requested_by: requestedBy } as const),
    ...{ started_at: new Date(startedAt).toISOString(), finished_at: new Date(clock.now()).toISOString() },
    ...{ complete, erased: counts, cancelled, in_flight: inFlight, tombstones: keptSubjects.size },
  };
}
