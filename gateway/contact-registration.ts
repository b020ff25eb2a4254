import { endpointIds } from "../adapters/ids.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import { type ContactRecord, type ContactStore, hasOneUser } from "../core/ports/contact-store.ts";
import { type CallError, callError } from "../runtime/call-error.ts";
import { NO_TOMBSTONES, type Tombstones } from "./erasure/tombstones.ts";

/** A notification to a user is one document with a delivery for each endpoint, so their number needs a bound; no person has more than 100 devices. */
const ENDPOINTS_PER_USER_MAX = 100;
const tooMany = callError(
  "FAILED_PRECONDITION",
  "TOO_MANY_ENDPOINTS",
  `user_id: has ${ENDPOINTS_PER_USER_MAX} endpoints already, the maximum; remove one first`,
  { fields: [{ field: "user_id", rule: "endpoints.max", message: `has ${ENDPOINTS_PER_USER_MAX} endpoints` }] },
);

/** A Send to an address asks for the opt-outs of every user who has it, so their number needs a bound; a mailbox is shared by a family or a team. */
const USERS_PER_ENDPOINT_MAX = 100;
const tooManyUsers = callError(
  "FAILED_PRECONDITION",
  "TOO_MANY_USERS",
  `endpoint: belongs to ${USERS_PER_ENDPOINT_MAX} users already, the maximum; remove one first`,
  { fields: [{ field: "endpoint", rule: "users.max", message: `belongs to ${USERS_PER_ENDPOINT_MAX} users` }] },
);

/** Registers a contact, unless its user or its endpoint is full. */
export type RegisterEndpoint = (
  /** As its caller spelled it. */
  given: Endpoint,
  contact: Omit<ContactRecord, "endpointId">,
) => Promise<{ endpointId: string; replaced: ContactRecord | undefined } | CallError>;

/** The function rejects where the store does. @param tombstones who was erased keeps what they refused; absent: nobody was */
export function createContactRegistration(
  contacts: ContactStore,
  tombstones: Pick<Tombstones, "restore"> = NO_TOMBSTONES,
): RegisterEndpoint {
  /** Whether the endpoint is the user's already, and what is full where it is not: each counted without the other. */
  async function boundsOf(app: string, userId: string, { channel }: Endpoint, id: string) {
    const own = await contacts.list(app, [userId]);
    const users = hasOneUser(channel) ? [] : await contacts.find([{ app, endpointId: id }]);
    const others = { endpoints: own.filter((c) => c.endpointId !== id).length, users: users.filter((c) => c.userId !== userId).length };
    const error = others.endpoints >= ENDPOINTS_PER_USER_MAX ? tooMany : others.users >= USERS_PER_ENDPOINT_MAX ? tooManyUsers : undefined;
    return { isKnown: own.some((c) => c.endpointId === id), error };
  }
  return async (given, contact) => {
    const { app, userId, endpoint } = contact;
    const [id = "", formerId] = endpointIds(given);
    const found = await boundsOf(app, userId, endpoint, id);
    if (!found.isKnown && found.error) return found.error;
    await tombstones.restore(app, userId);
    const replaced = await contacts.register({ ...contact, endpointId: id });
    // Again, because an erasure that ran meanwhile may have removed them, and leaves this contact.
    await tombstones.restore(app, userId);
    // Calls that came at the same time may have passed that check together. Then none of them may stay, because none knows of the others.
    const after = found.isKnown ? found : await boundsOf(app, userId, endpoint, id);
    if (!found.isKnown && after.error) {
      await contacts.remove(app, userId, id);
      return after.error;
    }
    // The same endpoint under a former spelling. A phone number's other users keep theirs.
    const former = formerId === undefined ? [] : await contacts.find([{ app, endpointId: formerId }]);
    for (const other of former)
      if (hasOneUser(endpoint.channel) || other.userId === userId) await contacts.remove(app, other.userId, other.endpointId);
    return { endpointId: id, replaced };
  };
}
