// A store in Maps with the same contract as the others, a hundred times as fast. Records are frozen, and replaced instead of mutated.
import { RELEASE_MS } from "../../core/content/reference.ts";
import { referencesOf } from "../../core/delivery/content-deletion.ts";
import { checkPurge } from "../../core/delivery/lifetime.ts";
import type { AppRecord } from "../../core/ports/app-store.ts";
import { type ContactRecord, hasOneUser } from "../../core/ports/contact-store.ts";
import type { PoisonRecord } from "../../core/ports/poison-store.ts";
import type { OperatorAction, SteeringRecord } from "../../core/ports/steering-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { targetKey } from "../../core/steering/target.ts";
import { frozen } from "./frozen.ts";
import { createMemoryAttempts } from "./memory-attempts.ts";
import { createMemoryBlobs } from "./memory-blobs.ts";
import { createMemoryCaps } from "./memory-caps.ts";
import { createMemoryContents } from "./memory-contents.ts";
import { createMemoryNotifications } from "./memory-notifications.ts";
import { createMemoryPreferences, createMemoryProfiles } from "./memory-preferences.ts";
import { createMemoryWebhooks } from "./memory-webhooks.ts";

export type MemoryStore = Store & {
  settle: NonNullable<Store["settle"]>;
  contents: ReturnType<typeof createMemoryContents>;
  notifications: ReturnType<typeof createMemoryNotifications>;
  attempts: ReturnType<typeof createMemoryAttempts>;
  caps: ReturnType<typeof createMemoryCaps>;
};

/** @param onDue called with each due time that is set */
export function createMemoryStore(onDue: (due: number) => void = () => {}, now: () => number = Date.now): MemoryStore {
  const notifications = createMemoryNotifications(onDue);
  const attempts = createMemoryAttempts();
  const webhooks = createMemoryWebhooks();
  const refersTo = (app: string, address: string) =>
    [...notifications.inside.values()].some((record) => {
      const { contents, blobs } = referencesOf(record);
      return record.app === app && [...contents, ...blobs].includes(address);
    });
  const contents = createMemoryContents(refersTo);
  const leases = new Map<string, { holder: string; until: number }>();
  return {
    notifications,
    contents,
    blobs: createMemoryBlobs(refersTo),
    attempts,
    async settle(ends) {
      // Both are done before anything else can happen.
      const [recorded, changed] = await Promise.all([
        attempts.record(ends.map(({ result }) => result)),
        notifications.change(ends.map(({ change }) => change)),
      ]);
      return ends.map((_, i) => ({ recorded: recorded[i]!, changed: changed[i]! }));
    },
    contacts: createMemoryContacts(),
    preferences: createMemoryPreferences(webhooks),
    webhooks,
    profiles: createMemoryProfiles(),
    apps: createMemoryApps(),
    caps: createMemoryCaps(),
    poison: createMemoryPoison(),
    steering: createMemorySteering(),
    async purge(ended, limit) {
      checkPurge(ended.before, now());
      const { records, ...oldest } = notifications.purge(ended, limit);
      return { notifications: records.length, ...attempts.purge(records.map(({ id }) => id)), ...oldest };
    },
    async deleteContent(ended, at, limit) {
      const { records, ...oldest } = notifications.deleteContent(ended, at, limit);
      for (const record of records)
        for (const hash of referencesOf(record).contents)
          if (!refersTo(record.app, hash)) contents.release(record.app, hash, at + RELEASE_MS);
      return { notifications: records.length, ...oldest };
    },
    async erase(ids, at) {
      const counts = { notifications: 0, attempts: 0, attributions: 0, poison: 0, contents: 0, blobs: 0 };
      const records = notifications.erase(ids, at);
      for (const record of records) {
        for (const hash of referencesOf(record).contents)
          if (!refersTo(record.app, hash)) {
            contents.release(record.app, hash, at + RELEASE_MS);
            counts.contents++;
          }
      }
      return { ...counts, notifications: records.length, ...attempts.erase(records.map(({ id }) => id)) };
    },
    async lease(work, holder, at, until) {
      const held = leases.get(work);
      if (held && held.holder !== holder && held.until > at) return false;
      leases.set(work, { holder, until });
      return true;
    },
    time: async () => now(),
    [Symbol.asyncDispose]: async () => {},
  };
}

function createMemoryContacts(): Store["contacts"] {
  let contacts: ContactRecord[] = [];
  const isOf = (app: string, endpointId: string) => (c: ContactRecord) => c.app === app && c.endpointId === endpointId;
  const inOrder = (a: ContactRecord, b: ContactRecord) => a.registeredAt - b.registeredAt || (a.endpointId < b.endpointId ? -1 : 1);
  const removeWhere = (holds: (c: ContactRecord) => boolean) => {
    const before = contacts.length;
    contacts = contacts.filter((c) => !holds(c));
    return contacts.length < before;
  };
  return {
    async register(contact) {
      const { app, endpointId, userId, endpoint } = contact;
      const isReplaced = (c: ContactRecord) => isOf(app, endpointId)(c) && (hasOneUser(endpoint.channel) || c.userId === userId);
      const replaced = contacts.find(isReplaced);
      removeWhere(isReplaced);
      contacts.push(frozen(contact));
      return replaced;
    },
    remove: async (app, userId, endpointId, registeredUntil = Number.POSITIVE_INFINITY) =>
      removeWhere((c) => isOf(app, endpointId)(c) && c.userId === userId && c.registeredAt <= registeredUntil),
    async removeGone(app, endpointId, { goneAt, startedAt, answeredAt }) {
      const mine = isOf(app, endpointId);
      const isReportedBefore = ({ goneReportedAt }: ContactRecord) => goneReportedAt !== undefined && goneReportedAt < startedAt;
      const removed = removeWhere((c) => mine(c) && (c.registeredAt <= goneAt || isReportedBefore(c)));
      const isFirstReport = (c: ContactRecord) => mine(c) && c.registeredAt < startedAt && c.goneReportedAt === undefined;
      contacts = contacts.map((c) => (isFirstReport(c) ? frozen({ ...c, goneReportedAt: answeredAt }) : c));
      return removed;
    },
    async *all(app) {
      yield* contacts.filter((c) => c.app === app);
    },
    list: async (app, userIds) => contacts.filter((c) => c.app === app && userIds.includes(c.userId)).sort(inOrder),
    find: async (endpoints) => contacts.filter((c) => endpoints.some((e) => isOf(e.app, e.endpointId)(c))).sort(inOrder),
  };
}

function createMemoryApps(): Store["apps"] {
  const apps = new Map<string, AppRecord>();
  return {
    find: async (id) => apps.get(id),
    findByKeyHash: async (keyHash) => [...apps.values()].find(({ keys }) => keys.some(({ hash }) => hash === keyHash)),
    async *list() {
      yield* [...apps.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    async change(id, edit) {
      const before = apps.get(id);
      const app = frozen({ ...edit(before), id, version: (before?.version ?? 0) + 1 });
      apps.set(id, app);
      return app;
    },
  };
}

function createMemorySteering(): Store["steering"] {
  const steering = new Map<string, SteeringRecord>();
  const log = new Map<string, OperatorAction>();
  const newest = () => [...log.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  return {
    list: async () => [...steering.values()],
    async put(record, over) {
      const key = targetKey(record.target);
      if (over !== undefined && steering.get(key)?.at !== over.at) return false;
      steering.set(key, frozen(record));
      return true;
    },
    async remove({ target, at }) {
      return steering.get(targetKey(target))?.at === at && steering.delete(targetKey(target));
    },
    async log(action) {
      log.set(action.id, frozen(action));
    },
    actions: async (before, limit) =>
      newest()
        .filter(({ id }) => before === undefined || id < before)
        .slice(0, Math.max(0, limit)),
    actionsOf: async (action, target, limit) =>
      newest()
        .filter((one) => one.action === action && (target === undefined || one.target === target))
        .slice(0, Math.max(0, limit)),
    findAction: async (id) => log.get(id),
    async purgeActions(before, limit) {
      const old = newest().filter(({ at }) => at < before);
      const removed = old.sort((a, b) => a.at - b.at).slice(0, Math.max(0, limit));
      for (const { id } of removed) log.delete(id);
      return removed.length;
    },
  };
}

function createMemoryPoison(): Store["poison"] {
  const kept = new Map<string, PoisonRecord>();
  return {
    async keep(record) {
      if (!kept.has(record.id)) kept.set(record.id, frozen(record));
    },
    async purge(before, limit) {
      const old = [...kept.values()].filter(({ keptAt }) => keptAt < before).sort((a, b) => a.keptAt - b.keptAt);
      const removed = old.slice(0, Math.max(0, limit));
      for (const { id } of removed) kept.delete(id);
      return removed.length;
    },
    list: async (limit) => [...kept.values()].sort((a, b) => b.keptAt - a.keptAt).slice(0, Math.max(0, limit)),
  };
}
