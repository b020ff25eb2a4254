import { type Collection, MongoServerError } from "mongodb";
import type { ContactRecord, ContactStore } from "../../core/ports/contact-store.ts";
import { asStoreError, DUPLICATE_KEY } from "./errors.ts";

/** `_id` is endpoint and app, so that there is one user for both at any moment. */
export interface ContactDocument extends ContactRecord {
  _id: string;
}

/** Two first registrations at once may both try to insert; the loser replaces the winner at its second try. */
const UPSERT_TRIES_MAX = 5;

const keyOf = (app: string, endpointId: string) => `${endpointId} ${app}`;

export function createContactStore(collection: Collection<ContactDocument>): ContactStore {
  return {
    register: (contact) =>
      asStoreError("register contact", async () => {
        for (let tries = 1; ; tries++) {
          try {
            await collection.replaceOne({ _id: keyOf(contact.app, contact.endpointId) }, contact, { upsert: true });
            return;
          } catch (error) {
            const lostRace = error instanceof MongoServerError && error.code === DUPLICATE_KEY;
            if (!lostRace || tries === UPSERT_TRIES_MAX) throw error;
          }
        }
      }),

    remove: (app, userId, endpointId) =>
      asStoreError("remove contact", async () => {
        const { deletedCount } = await collection.deleteOne({ _id: keyOf(app, endpointId), userId });
        return deletedCount === 1;
      }),

    removeGone: (app, endpointId, goneAt) =>
      asStoreError("remove gone contact", async () => {
        const { deletedCount } = await collection.deleteOne({ _id: keyOf(app, endpointId), registeredAt: { $lte: goneAt } });
        return deletedCount === 1;
      }),

    list: (app, userIds) =>
      asStoreError("list contacts", async () => {
        const contacts = await collection.find({ app, userId: { $in: [...userIds] } }).toArray();
        return contacts
          .map(({ _id, ...contact }): ContactRecord => contact)
          .sort((a, b) => a.registeredAt - b.registeredAt || (a.endpointId < b.endpointId ? -1 : 1));
      }),
  };
}
