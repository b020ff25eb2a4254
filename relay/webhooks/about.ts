import { maskEndpoint } from "../../core/delivery/endpoint.ts";
import { hideEndpoints } from "../../core/delivery/hide-endpoints.ts";
import type { ContactStore } from "../../core/ports/contact-store.ts";
import type { ChangeEntry } from "../../core/preferences/change.ts";
import { endpointIdOf } from "../../core/preferences/opt-out.ts";
import type { EventSubject } from "../../core/webhooks/event.ts";

/** Whose endpoint a change is about. Rejects with the store's error. */
export async function aboutOf({ app, subject }: ChangeEntry, contacts: Pick<ContactStore, "find">): Promise<EventSubject> {
  const endpointId = endpointIdOf(subject);
  if (endpointId === undefined) return { userIds: [] };
  const found = await contacts.find([{ app, endpointId }]);
  const [first] = found;
  const endpoint = first && { channel: first.endpoint.channel, masked: maskEndpoint(first.endpoint) };
  return { userIds: found.map(({ userId }) => userId).toSorted(), endpoint };
}

/** Who made a change is free text, in which support may have written an address. */
export function withoutAddresses(change: ChangeEntry): ChangeEntry {
  const { actor } = change.origin;
  return actor === undefined ? change : { ...change, origin: { ...change.origin, actor: hideEndpoints(actor) } };
}
