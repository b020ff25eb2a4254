import { StoreError } from "../adapters/store/store-error.ts";
import { channelToProto, endpointFromProto } from "../adapters/wire/convert.ts";
import { maskEndpoint } from "../core/delivery/endpoint.ts";
import type { AppRecord } from "../core/ports/app-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { ContactStore } from "../core/ports/contact-store.ts";
import type { ContactServiceServer } from "../gen/carillon/v1/contact_service.ts";
import { callError } from "../runtime/grpc/status.ts";
import type { Unary } from "../runtime/grpc/unary.ts";
import { compileValidator } from "../runtime/grpc/validate.ts";
import { endpointId } from "../runtime/hash.ts";
import { checkAddress } from "./check.ts";
import { invalidRequest } from "./invalid.ts";

/** A notification to all of them is one document and as many provider calls: a hundred devices are a person's, a thousand are a mistake. */
const ENDPOINTS_PER_USER_MAX = 100;
const tooMany = callError(
  "FAILED_PRECONDITION",
  "TOO_MANY_ENDPOINTS",
  `user_id: has ${ENDPOINTS_PER_USER_MAX} endpoints, which is the most; remove one first`,
  { fields: [{ field: "user_id", rule: "endpoints.max", message: `has ${ENDPOINTS_PER_USER_MAX} endpoints` }] },
);

export function createContactService(parts: {
  contacts: ContactStore;
  pushHosts: readonly string[];
  clock: Clock;
  unary: Unary<AppRecord>;
}): ContactServiceServer {
  const { contacts, pushHosts, clock, unary } = parts;
  const checkRegister = compileValidator("carillon.v1.RegisterContactRequest");
  const checkRemove = compileValidator("carillon.v1.RemoveContactRequest");
  const checkList = compileValidator("carillon.v1.ListContactsRequest");
  return {
    registerContact: unary(async (request, { caller }) => {
      const violations = checkRegister(request);
      const endpoint = endpointFromProto(request.endpoint);
      if (violations.length > 0 || endpoint === undefined) return invalidRequest(violations);
      const faults = checkAddress(endpoint, "endpoint", pushHosts);
      if (faults.length > 0) return invalidRequest(faults);
      const id = endpointId(endpoint);
      return reading(async () => {
        const has = await contacts.list(caller.id, [request.userId]);
        if (has.length >= ENDPOINTS_PER_USER_MAX && !has.some((c) => c.endpointId === id)) return tooMany;
        await contacts.register({ app: caller.id, userId: request.userId, endpointId: id, endpoint, registeredAt: clock.now() });
        return { endpointId: id };
      });
    }),
    removeContact: unary(async (request, { caller }) => {
      const violations = checkRemove(request);
      if (violations.length > 0) return invalidRequest(violations);
      return reading(async () => ({ removed: await contacts.remove(caller.id, request.userId, request.endpointId) }));
    }),
    listContacts: unary(async (request, { caller }) => {
      const violations = checkList(request);
      if (violations.length > 0) return invalidRequest(violations);
      return reading(async () => ({
        contacts: (await contacts.list(caller.id, [request.userId])).map((c) => ({
          endpointId: c.endpointId,
          channel: channelToProto(c.endpoint.channel),
          endpointMasked: maskEndpoint(c.endpoint),
          registeredAt: new Date(c.registeredAt),
        })),
      }));
    }),
  };
}

async function reading<T>(work: () => Promise<T>) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreError) return callError("UNAVAILABLE", "UNAVAILABLE", "the store is away; repeat the call");
    throw error;
  }
}
