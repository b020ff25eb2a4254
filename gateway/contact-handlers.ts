import { channelToProto, endpointFromProto, endpointToProto } from "../adapters/wire/convert.ts";
import { canonicalEndpoint, maskEndpoint } from "../core/delivery/endpoint.ts";
import type { AppRecord } from "../core/ports/app-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { ContactRecord, ContactStore } from "../core/ports/contact-store.ts";
import type {
  Contact,
  ListContactsRequest,
  ListContactsResponse,
  RegisterContactRequest,
  RegisterContactResponse,
  RemoveContactRequest,
  RemoveContactResponse,
} from "../gen/carillon/v1/contact_service.ts";
import { invalidRequest, isCallError } from "../runtime/call-error.ts";
import { compileValidator } from "../runtime/grpc/validate.ts";
import type { Handler } from "../runtime/handler.ts";
import { checkAddress } from "./check.ts";
import { createContactRegistration } from "./contact-registration.ts";
import type { Tombstones } from "./erasure/tombstones.ts";
import { destinationError, maySendSms } from "./screen.ts";
import { withStore } from "./with-store.ts";

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
  const { contacts, pushHosts, smsPrefixes, clock, tombstones } = parts;
  const checkRegister = compileValidator("carillon.v1.RegisterContactRequest");
  const checkRemove = compileValidator("carillon.v1.RemoveContactRequest");
  const checkList = compileValidator("carillon.v1.ListContactsRequest");
  const register = createContactRegistration(contacts, tombstones);

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
      return withStore(async () => {
        const registered = await register(given, {
          ...{ app: caller.id, userId: request.userId, endpoint, registeredAt: now, lastSeenAt: seenAt ?? now },
          ...(request.locale === undefined ? {} : { locale: request.locale }),
          ...(request.deviceLabel === undefined ? {} : { deviceLabel: request.deviceLabel }),
        });
        if (isCallError(registered)) return registered;
        const { endpointId, replaced } = registered;
        return { endpointId, replaced: replaced && { userId: replaced.userId, contact: contactToProto(replaced) } };
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
