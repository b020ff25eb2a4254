import { type Collection, MongoServerError } from "mongodb";
import { type ContactRecord, type ContactStore, hasOneUser } from "../../core/ports/contact-store.ts";
import { asStoreError, DUPLICATE_KEY, toStoreError } from "./errors.ts";

/** `_id` is endpoint and app, and the user where an endpoint may have several: so one that has one user has one at any moment. */
export interface ContactDocument extends ContactRecord {
  _id: string;
}

/** Two first registrations at once may both try to insert; the loser replaces the winner at its second try. */
const UPSERT_TRIES_MAX = 5;

/** The `_id` of every contact before 0.1.0. */
const keyWithoutUser = (app: string, endpointId: string) => `${endpointId} ${app}`;
const keyOf = ({ app, endpointId, endpoint, userId }: ContactRecord) =>
  hasOneUser(endpoint.channel) ? keyWithoutUser(app, endpointId) : `${keyWithoutUser(app, endpointId)} ${userId}`;

export function createContactStore(collection: Collection<ContactDocument>): ContactStore {
  return {
    register: (contact) =>
      asStoreError("register contact", async () => {
        const { app, endpointId, userId } = contact;
        const replaced = await upsert(collection, contact);
        if (keyOf(contact) === keyWithoutUser(app, endpointId)) return replaced;
        const former = await collection.findOneAndDelete({ _id: keyWithoutUser(app, endpointId), userId });
        return replaced ?? (former ? read([former])[0] : undefined);
      }),

    remove: (app, userId, endpointId, registeredUntil) =>
      asStoreError("remove contact", async () => {
        const isOld = registeredUntil === undefined ? {} : { registeredAt: { $lte: registeredUntil } };
        return (await collection.deleteMany({ app, endpointId, userId, ...isOld })).deletedCount > 0;
      }),

    removeGone: (app, endpointId, { goneAt, startedAt, answeredAt }) =>
      asStoreError("remove gone contact", async () => {
        const again = { goneReportedAt: { $lt: startedAt } };
        const { deletedCount } = await collection.deleteMany({ app, endpointId, $or: [{ registeredAt: { $lte: goneAt } }, again] });
        const first = { registeredAt: { $lt: startedAt }, goneReportedAt: { $exists: false } };
        await collection.updateMany({ app, endpointId, ...first }, { $set: { goneReportedAt: answeredAt } });
        return deletedCount > 0;
      }),

    list: (app, userIds) =>
      asStoreError("list contacts", async () => read(await collection.find({ app, userId: { $in: [...userIds] } }).toArray())),

    async *all(app) {
      let ofUser: ContactDocument[] = [];
      try {
        for await (const document of collection.find({ app }, { sort: { userId: 1 } })) {
          if (ofUser[0] && ofUser[0].userId !== document.userId) {
            yield* read(ofUser);
            ofUser = [];
          }
          ofUser.push(document);
        }
      } catch (error) {
        throw toStoreError("read contacts", error);
      }
      yield* read(ofUser);
    },

    find: (endpoints) =>
      asStoreError("find contacts", async () => {
        if (endpoints.length === 0) return [];
        const ofApps = [...Map.groupBy(endpoints, ({ app }) => app)].map(([app, of]) => ({
          app,
          endpointId: { $in: [...new Set(of.map(({ endpointId }) => endpointId))] },
        }));
        return read(await collection.find(ofApps.length === 1 ? ofApps[0]! : { $or: ofApps }).toArray());
      }),
  };
}

async function upsert(collection: Collection<ContactDocument>, contact: ContactRecord): Promise<ContactRecord | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      const before = await collection.findOneAndReplace({ _id: keyOf(contact) }, contact, { upsert: true, returnDocument: "before" });
      return before ? read([before])[0] : undefined;
    } catch (error) {
      const lostRace = error instanceof MongoServerError && error.code === DUPLICATE_KEY;
      if (!lostRace || tries === UPSERT_TRIES_MAX) throw error;
    }
  }
}

/** The contacts, in the order of the documents. While the `_id` of a contact is changed, and after a crash meanwhile, it has two documents: the newer one counts. */
function read(documents: readonly ContactDocument[]): ContactRecord[] {
  const contacts = documents
    .map(({ _id, ...contact }): ContactRecord => contact)
    .sort((a, b) => a.registeredAt - b.registeredAt || (a.endpointId < b.endpointId ? -1 : a.endpointId > b.endpointId ? 1 : 0));
  const newest = new Map(contacts.map((c) => [`${c.app}\n${c.endpointId}\n${c.userId}`, c]));
  return contacts.filter((c) => newest.get(`${c.app}\n${c.endpointId}\n${c.userId}`) === c);
}
