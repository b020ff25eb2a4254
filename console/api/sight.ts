// What a person of a role is shown of texts that may name somebody.
import { type Endpoint, maskEndpoint } from "../../core/delivery/endpoint.ts";
import { hideEndpoints, hideOwnEndpoints } from "../../core/delivery/hide-endpoints.ts";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import { hasRole, type Session } from "../session.ts";

/** Whom a text is about. */
export interface Somebody {
  /** "": nobody whose id is known. */
  userId: string;
  endpoints: readonly Endpoint[];
}

const maySeeUsers = ({ role }: Pick<Session, "role">) => hasRole({ name: "", role }, "support");

/** A user's id, which may be an address. */
export const userFor = (session: Session, userId: string): string => (maySeeUsers(session) ? userId : maskUser(userId));

const maskUser = (userId: string) => (userId === "" ? "" : `${userId.slice(0, 2)}…`);

/** Who did something: a colleague, who is mostly named by an address, or a program. */
export function actorFor(session: Session, actor: string): string {
  if (maySeeUsers(session)) return actor;
  const hidden = hideEndpoints(actor);
  const isAddress = hidden !== actor && /^[^\s@]+@[^\s@]+$/.test(actor);
  return isAddress ? maskEndpoint({ channel: "email", address: actor }) : hidden;
}

/** Reasons, results and details, which people, apps and providers write. Addresses are shown to nobody but by a reveal, which is logged. */
export const freeText = (text: string, about?: Somebody): string => hideEndpoints(text, about?.endpoints);

/** What an app says of a notification, such as its tags: to a viewer without what may name the person, to others without the person's own endpoints. */
export function appText(session: Session, text: string, { userId, endpoints }: Somebody): string {
  if (maySeeUsers(session)) return hideOwnEndpoints(text, endpoints);
  return freeText(userId === "" ? text : text.replaceAll(userId, maskUser(userId)), { userId, endpoints });
}

/** Whom a notification is sent to. */
export const recipientOf = ({ recipient, deliveries }: NotificationRecord): Somebody => ({
  userId: recipient.kind === "user" ? recipient.userId : "",
  endpoints: [...(recipient.kind === "endpoint" ? [recipient] : []), ...deliveries].flatMap(({ endpoint }) => endpoint ?? []),
});

/** With who, why and the result as this role is shown them. A result has numbers and colleagues' names in it, and no reasons but those whose addresses are hidden. */
export function orderFor<T extends { actor: string; reason: string; result?: string }>(session: Session, of: T): T {
  const { actor, reason, result } = of;
  return {
    ...{ ...of, actor: actorFor(session, actor), reason: freeText(reason) },
    ...(result !== undefined && { result: maySeeUsers(session) ? result : freeText(result) }),
  };
}
