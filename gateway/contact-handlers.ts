import { endpointIds } from "../adapters/ids.ts";
import { channelToProto, endpointFromProto, endpointToProto } from "../adapters/wire/convert.ts";
import { canonicalEndpoint, type Endpoint, maskEndpoint } from "../core/delivery/endpoint.ts";
import type { AppRecord } from "../core/ports/app-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import { type ContactRecord, type ContactStore, hasOneUser } from "../core/ports/contact-store.ts";
import type {
  Contact,
  ListContactsRequest,
  ListContactsResponse,
  RegisterContactRequest,
  RegisterContactResponse,
  RemoveContactRequest,
  RemoveContactResponse,
} from "../gen/carillon/v1/contact_service.ts";
import { callError, invalidRequest } from "../runtime/call-error.ts";
import { compileValidator } from "../runtime/grpc/validate.ts";
import type { Handler } from "../runtime/handler.ts";
import { checkAddress } from "./check.ts";
import { NO_TOMBSTONES, type Tombstones } from "./erasure/tombstones.ts";
import { destinationError, maySendSms } from "./screen.ts";
import { withStore } from "./with-store.ts";

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

/** How far a caller's clock may be ahead of ours, in ms. */
const SEEN_AHEAD_MS_MAX = 300_000;

/** carillon.v1.ContactService, for the app whose API key the caller showed. */
export interface ContactHandlers {
  registerContact: Handler<RegisterContactRequest, RegisterContactResponse, AppRecord>;
  removeContact: Handler<RemoveContactRequest, RemoveContactResponse, AppRecord>;
  listContacts: Handler<ListContactsRequest, ListContactsResponse, AppRecord>;
}

export function createContactHandlers(parts: {
  contacts: ContactStore;
  pushHosts: readonly string[];
  /** As in AcceptParts. */
  smsPrefixes?: readonly string[] | undefined;
  clock: Clock;
  /** Absent: nobody was erased. */
  tombstones?: Pick<Tombstones, "restore"> | undefined;
}): ContactHandlers {
  const { contacts, pushHosts, smsPrefixes, clock, tombstones = NO_TOMBSTONES } = parts;
  const checkRegister = compileValidator("carillon.v1.RegisterContactRequest");
  const checkRemove = compileValidator("carillon.v1.RemoveContactRequest");
  const checkList = compileValidator("carillon.v1.ListContactsRequest");
  /** Whether the endpoint is the user's already, and what is full where it is not: each counted without the other. */
  async function boundsOf(app: string, userId: string, { channel }: Endpoint, id: string) {
    const own = await contacts.list(app, [userId]);
    const users = hasOneUser(channel) ? [] : await contacts.find([{ app, endpointId: id }]);
    const others = { endpoints: own.filter((c) => c.endpointId !== id).length, users: users.filter((c) => c.userId !== userId).length };
    const error = others.endpoints >= ENDPOINTS_PER_USER_MAX ? tooMany : others.users >= USERS_PER_ENDPOINT_MAX ? tooManyUsers : undefined;
    return { isKnown: own.some((c) => c.endpointId === id), error };
  }

  return {
    async registerContact(request, { caller }) {
      const violations = checkRegister(request);
      const given = endpointFromProto(request.endpoint);
      if (violations.length > 0 || given === undefined) return invalidRequest(violations);
      const endpoint = canonicalEndpoint(given);
      const now = clock.now();
      const seenAt = request.lastSeenAt?.getTime();
      const faults = checkAddress(endpoint, "endpoint", pushHosts);
      if (seenAt !== undefined && !(seenAt >= 0 && seenAt <= now + SEEN_AHEAD_MS_MAX))
        faults.push({ field: "last_seen_at", rule: "time.past", message: "must not be in the future, or before 1970" });
      if (faults.length > 0) return invalidRequest(faults);
      if (!maySendSms(caller, endpoint, smsPrefixes)) return destinationError("endpoint.phone_number");
      const [id = "", formerId] = endpointIds(given);
      return withStore(async () => {
        const found = await boundsOf(caller.id, request.userId, endpoint, id);
        if (!found.isKnown && found.error) return found.error;
        await tombstones.restore(caller.id, request.userId);
        const replaced = await contacts.register({
          ...{ app: caller.id, userId: request.userId, endpointId: id, endpoint, registeredAt: now, lastSeenAt: seenAt ?? now },
          ...(request.locale === undefined ? {} : { locale: request.locale }),
          ...(request.deviceLabel === undefined ? {} : { deviceLabel: request.deviceLabel }),
        });
        // Calls that came at the same time may have passed that check together. Then none of them may stay, because none knows of the others.
        const after = found.isKnown ? found : await boundsOf(caller.id, request.userId, endpoint, id);
        if (!found.isKnown && after.error) {
          await contacts.remove(caller.id, request.userId, id);
          return after.error;
        }
        // The same endpoint under a former spelling. A phone number's other users keep theirs.
        const former = formerId === undefined ? [] : await contacts.find([{ app: caller.id, endpointId: formerId }]);
        for (const { userId, endpointId } of former)
          if (hasOneUser(endpoint.channel) || userId === request.userId) await contacts.remove(caller.id, userId, endpointId);
        return { endpointId: id, replaced: replaced && { userId: replaced.userId, contact: contactToProto(replaced) } };
      });
    },
    async removeContact(request, { caller }) {
      const violations = checkRemove(request);
      if (violations.length > 0) return invalidRequest(violations);
      return withStore(async () => ({ removed: await contacts.remove(caller.id, request.userId, request.endpointId) }));
    },
    async listContacts(request, { caller }) {
      const violations = checkList(request);
      if (violations.length > 0) return invalidRequest(violations);
      return withStore(async () => ({
        contacts: (await contacts.list(caller.id, [request.userId])).map(contactToProto),
      }));
    },
  };
}

function contactToProto({ endpointId, endpoint, registeredAt, lastSeenAt = registeredAt, locale, deviceLabel }: ContactRecord): Contact {
  // Of the endpoint only what is no part of its address.
  const { address, ...of } = endpointToProto(endpoint);
  return {
    ...{
      endpointId,
      channel: channelToProto(endpoint.channel),
      endpointMasked: maskEndpoint(endpoint),
      registeredAt: new Date(registeredAt),
    },
    ...{ ...of, locale, deviceLabel, lastSeenAt: new Date(lastSeenAt) },
    // The name that the contract gives it, from the one in generated code.
    endpointKind: (address?.$case ?? "").replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  };
}
