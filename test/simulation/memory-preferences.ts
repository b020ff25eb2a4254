// Preferences and profiles in Maps, with the same contract as the other stores.
import type { Store } from "../../core/ports/store.ts";
import { applyChange, type ChangeEntry, isOutdated } from "../../core/preferences/change.ts";
import { noPreferences, type PreferenceRecord } from "../../core/preferences/opt-out.ts";
import type { ProfileRecord } from "../../core/preferences/profile.ts";
import { frozen } from "./frozen.ts";
import type { MemoryWebhooks } from "./memory-webhooks.ts";

const keyOf = (app: string, id: string) => `${app}\n${id}`;

/** @param webhooks gets what each change is to be told */
export function createMemoryPreferences(webhooks: MemoryWebhooks): Store["preferences"] {
  const records = new Map<string, PreferenceRecord>();
  const changes = new Map<string, ChangeEntry[]>();
  const floors = new Map<string, number>();
  return {
    find: async (app, subjects) => [...new Set(subjects)].flatMap((subject) => records.get(keyOf(app, subject)) ?? []),
    async update(app, subject, change, now) {
      const key = keyOf(app, subject);
      const before = records.get(key);
      if (isOutdated(change, before)) return { ...(before ?? noPreferences(app, subject)), outdated: true };
      const updated = applyChange(before, { app, subject, change, now, floor: floors.get(app) });
      if (!updated) return { ...(before ?? noPreferences(app, subject)), tooMany: true };
      const { lastChange, ...record } = updated;
      records.set(key, frozen(record));
      changes.set(key, [frozen(lastChange), ...(changes.get(key) ?? [])]);
      webhooks.changed(lastChange);
      return frozen(updated);
    },
    history: async (app, subject, beforeVersion, limit) =>
      (changes.get(keyOf(app, subject)) ?? []).filter(({ version }) => version < beforeVersion).slice(0, Math.max(0, limit)),
    async remove(app, subject, ifVersion) {
      const found = records.get(keyOf(app, subject));
      if (ifVersion !== undefined && found?.version !== ifVersion) return false;
      if (found) floors.set(app, Math.max(floors.get(app) ?? 0, found.version));
      changes.delete(keyOf(app, subject));
      webhooks.removed(app, subject);
      return records.delete(keyOf(app, subject));
    },
    async removeHistory(app, subject) {
      const count = changes.get(keyOf(app, subject))?.length ?? 0;
      changes.delete(keyOf(app, subject));
      webhooks.removed(app, subject);
      return count;
    },
    async purgeHistory(before, limit) {
      const old = [...changes.values()].flat().filter(({ at }) => at < before);
      const purged = old.sort((a, b) => a.at - b.at).slice(0, Math.max(0, limit));
      for (const [key, entries] of changes)
        changes.set(
          key,
          entries.filter((entry) => !purged.includes(entry)),
        );
      return purged.length;
    },
    async *changedSince(updatedAt) {
      yield* [...records.values()].filter((p) => p.updatedAt >= updatedAt).sort((a, b) => a.updatedAt - b.updatedAt);
    },
  };
}

export function createMemoryProfiles(): Store["profiles"] {
  const records = new Map<string, ProfileRecord>();
  return {
    find: async (app, userIds) => [...new Set(userIds)].flatMap((userId) => records.get(keyOf(app, userId)) ?? []),
    async put(app, userId, profile, now) {
      const key = keyOf(app, userId);
      const record = frozen({ app, userId, profile, version: (records.get(key)?.version ?? 0) + 1, updatedAt: now });
      records.set(key, record);
      return record;
    },
    remove: async (app, userId, ifVersion) => {
      const key = keyOf(app, userId);
      if (ifVersion !== undefined && records.get(key)?.version !== ifVersion) return false;
      return records.delete(key);
    },
  };
}
