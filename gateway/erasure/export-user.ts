import { CONTENT_PARTS } from "../../core/delivery/channel.ts";
import { type Endpoint, maskedEndpoint } from "../../core/delivery/endpoint.ts";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import type { ContactRecord } from "../../core/ports/contact-store.ts";
import { FIRST_PLACE } from "../../core/ports/notification-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { endpointSubject, userSubject } from "../../core/preferences/opt-out.ts";
import type { ExportUserResponse } from "../../gen/carillon/v1/profile_service.ts";

/** Notifications in memory at once: each may have 8 KiB of content and 100 deliveries, and large parts are read one at a time. */
const PAGE = 20;
/** Changes read at once. */
const CHANGES_PAGE = 100;

export type ExportStore = Pick<Store, "profiles" | "contacts" | "preferences" | "notifications" | "contents" | "attempts">;

/**
 * Everything that is stored of a user, a document at a time. What is sent to an address that was given outright is theirs where nobody else registered the
 * address. Rejects with a StoreError.
 * @param show an endpoint, or what stands for it
 */
export async function* exportUser(
  store: ExportStore,
  { app, userId }: { app: string; userId: string },
  show: (endpoint: Endpoint) => Endpoint = maskedEndpoint,
): AsyncGenerator<ExportUserResponse> {
  const documentOf = (kind: string, document: object): ExportUserResponse => ({ kind, document: JSON.stringify(document) });
  const [profile] = await store.profiles.find(app, [userId]);
  if (profile) yield documentOf("profile", profile);
  const contacts = await store.contacts.list(app, [userId]);
  for (const contact of contacts) yield documentOf("endpoint", { ...contact, endpoint: show(contact.endpoint) });
  const subjects = [userSubject(userId), ...contacts.map(({ endpointId }) => endpointSubject(endpointId))];
  for (const record of await store.preferences.find(app, subjects)) yield documentOf("preferences", record);
  for (const subject of subjects)
    for (let before = Number.MAX_SAFE_INTEGER; ; ) {
      const changes = await store.preferences.history(app, subject, before, CHANGES_PAGE);
      for (const change of changes) yield documentOf("preference-change", change);
      const last = changes.at(-1);
      if (!last || changes.length < CHANGES_PAGE) break;
      before = last.version;
    }
  for await (const record of notificationsOf(store, { app, userId, contacts })) {
    yield documentOf("notification", await whole(store, record, show));
    for (const attempt of await store.attempts.between(record.id, record.id)) yield documentOf("attempt", attempt);
  }
}

/** Those to the user, then those to each endpoint that only this user has. */
async function* notificationsOf(
  store: Pick<Store, "contacts" | "notifications">,
  { app, userId, contacts }: { app: string; userId: string; contacts: readonly ContactRecord[] },
): AsyncGenerator<NotificationRecord> {
  const recipients = [
    { kind: "user", userId } as const,
    ...(await ownEndpoints(store, contacts, userId)).map(({ endpoint }) => ({ kind: "endpoint", endpoint }) as const),
  ];
  for (const recipient of recipients)
    for (let after = FIRST_PLACE; ; ) {
      const page = await store.notifications.ofRecipient(app, recipient, after, PAGE);
      yield* page;
      const last = page.at(-1);
      if (!last || page.length < PAGE) break;
      after = last;
    }
}

/** Of a user's registrations those of endpoints that nobody else of the app has registered. */
export async function ownEndpoints(
  store: Pick<Store, "contacts">,
  contacts: readonly ContactRecord[],
  userId: string,
): Promise<ContactRecord[]> {
  const all = await store.contacts.find(contacts);
  return contacts.filter(({ endpointId }) => all.every((other) => other.endpointId !== endpointId || other.userId === userId));
}

/** With the large parts of its content, while they are kept. */
async function whole(
  store: Pick<Store, "contents">,
  record: NotificationRecord,
  show: (endpoint: Endpoint) => Endpoint,
): Promise<NotificationRecord> {
  const content = { ...record.content };
  for (const part of CONTENT_PARTS) {
    const hash = record.contentHashes?.[part];
    if (hash !== undefined) Object.assign(content, await store.contents.get(record.app, hash));
  }
  const { recipient } = record;
  return {
    ...record,
    content,
    recipient: recipient.kind === "user" ? recipient : { ...recipient, endpoint: show(recipient.endpoint) },
    deliveries: record.deliveries.map((d) => (d.endpoint ? { ...d, endpoint: show(d.endpoint) } : d)),
  };
}
