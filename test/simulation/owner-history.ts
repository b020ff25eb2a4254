import type { MemoryStore } from "./memory-store.ts";

/** Who had which endpoint over time, as the contacts of the store say. */
export function createOwnerHistory() {
  const changes = new Map<string, Map<string, { at: number; owns: boolean }[]>>();
  const record = (endpointId: string, user: string, at: number, owns: boolean) => {
    const ofEndpoint = changes.get(endpointId) ?? new Map<string, { at: number; owns: boolean }[]>();
    changes.set(endpointId, ofEndpoint.set(user, [...(ofEndpoint.get(user) ?? []), { at, owns }]));
  };
  /** The same at that moment and ever since. */
  const since = (endpointId: string, user: string, at: number, owns: boolean) => {
    const ofUser = changes.get(endpointId)?.get(user) ?? [];
    return ofUser.findLast((c) => c.at <= at)?.owns === owns && ofUser.every((c) => c.at < at || c.owns === owns);
  };
  return {
    /** @param alone whether it is taken from the others. `at` must not decrease. */
    registered(endpointId: string, user: string, at: number, alone: boolean) {
      if (alone) for (const other of changes.get(endpointId)?.keys() ?? []) if (other !== user) record(endpointId, other, at, false);
      record(endpointId, user, at, true);
    },
    removed: (endpointId: string, user: string, at: number) => record(endpointId, user, at, false),
    lostSince: (endpointId: string, user: string, at: number) => since(endpointId, user, at, false),
    ownersSince: (endpointId: string, at: number) =>
      [...(changes.get(endpointId)?.keys() ?? [])].filter((user) => since(endpointId, user, at, true)),
  };
}
export type OwnerHistory = ReturnType<typeof createOwnerHistory>;

/** Keeps the history of what providers report as gone. */
export function watchContacts(store: MemoryStore, owners: OwnerHistory, now: () => number): MemoryStore {
  const removeGone: MemoryStore["contacts"]["removeGone"] = async (app, endpointId, report) => {
    const removed = await store.contacts.removeGone(app, endpointId, report);
    const left = new Set((await store.contacts.find([{ app, endpointId }])).map((c) => c.userId));
    for (const user of owners.ownersSince(endpointId, now())) if (!left.has(user)) owners.removed(endpointId, user, now());
    return removed;
  };
  return { ...store, contacts: { ...store.contacts, removeGone } };
}
