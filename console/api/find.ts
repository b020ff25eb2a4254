import { notificationId } from "../../adapters/ids.ts";
import { SCAN_MAX, searchNotifications } from "../../adapters/store/search.ts";
import { maskEndpoint } from "../../core/delivery/endpoint.ts";
import { type Delivery, isOpen, type NotificationRecord } from "../../core/delivery/notification.ts";
import { parsePlace, placeText } from "../../core/delivery/place.ts";
import { foundDeliveries, type SearchFilter } from "../../core/delivery/search.ts";
import { waitingFor } from "../../core/delivery/waiting.ts";
import { attemptIdsOf } from "../../core/ports/attempt-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { LAST_PLACE } from "../../core/ports/notification-store.ts";
import type { Store } from "../../core/ports/store.ts";
import type { SessionRoute } from "../auth/protect.ts";
import type { Session } from "../session.ts";
import type { Filter, Found, OpenCounts, Resolved, Row } from "../view.ts";
import { readFilter, VALUE_MAX } from "./filter.ts";
import { appIdsOf, type Fields, objectOf, optionalApp, post, RequestFault, requireApp, textOf } from "./route.ts";
import { userFor } from "./sight.ts";
import { stateOf, whyOf } from "./words.ts";

/** Notifications of one page. */
const PAGE = 25;
const APP_MAX = 100;
/** Attempts of a delivery that a list counts: one that is tried every 30 s has 200 after 100 minutes. */
const CALLS_MAX = 200;

export interface FindParts {
  store: Pick<Store, "notifications" | "attempts" | "contacts" | "apps">;
  clock: Pick<Clock, "now">;
}

/** The routes that find notifications. */
export const createFindRoutes = (parts: FindParts): SessionRoute[] => [
  post("/api/find", (body, session) => find(parts, body, session)),
  post("/api/resolve", (body) => resolve(parts, body)),
];

async function find({ store, clock }: FindParts, body: Fields, session: Session): Promise<Found> {
  const filter = readFilter(objectOf(body.filter ?? {}, "filter"));
  const after = textOf(body, "after", 60);
  if (after !== "" && !/^\d{1,16}-[0-9a-f]{32}$/.test(after)) throw new RequestFault("after must be the `next` of an answer");
  const [{ apps, areAppsCut }, now] = [await appIdsOf(store), clock.now()];
  const app = optionalApp(body) ?? apps[0] ?? "";
  if (app !== "") await requireApp(store, app);
  const page = await searchNotifications(store, { app, filter, after: after === "" ? undefined : parsePlace(after), limit: PAGE, now });
  const shown = page.notifications.flatMap((n) => shownDeliveries(n, filter, now).map((d) => ({ n, d })));
  const calls = await countCalls(
    store,
    shown.map(({ d }) => d),
  );
  const rows = shown.map(({ n, d }) => rowOf(n, d, calls.get(d.id) ?? "0", now, session));
  return {
    ...{ app, apps, areAppsCut, rows, now, next: page.next ? placeText(page.next) : "", open: await countOpen(store, app, now) },
    isShort: page.next !== undefined && page.notifications.length < PAGE,
  };
}

/** The deliveries that match the filter, without its reference: the search has compared that with the attempts. */
const shownDeliveries = (n: NotificationRecord, { providerRef: _, ...filter }: SearchFilter, now: number): Delivery[] =>
  foundDeliveries(n, filter, now, new Set());

function rowOf(n: NotificationRecord, d: Delivery, attempts: string, now: number, session: Session): Row {
  return {
    ...{ notificationId: n.id, deliveryId: d.id, acceptedAt: n.acceptedAt, channel: d.channel, category: n.category },
    user: n.recipient.kind === "user" ? userFor(session, n.recipient.userId) : "",
    endpoint: d.endpoint ? maskEndpoint(d.endpoint) : "",
    ...{ notificationClass: n.notificationClass, state: stateOf(d), why: whyOf(n, d, now), attempts, nextAt: d.nextAt },
  };
}

/** How many calls each delivery had; numbers that were used up without a call do not count. */
async function countCalls({ attempts }: Pick<Store, "attempts">, deliveries: readonly Delivery[]): Promise<Map<string, string>> {
  const made = Map.groupBy(await attempts.find(deliveries.flatMap((d) => attemptIdsOf(d, CALLS_MAX))), ({ deliveryId }) => deliveryId);
  const count = (id: string) => (made.get(id) ?? []).filter(({ outcome }) => outcome?.kind !== "void").length;
  return new Map(deliveries.map(({ id, attempt }) => [id, `${count(id)}${attempt > CALLS_MAX ? "+" : ""}`]));
}

/** Counts an app's open deliveries, in at most as many notifications as one search reads. */
async function countOpen({ notifications }: Pick<Store, "notifications">, app: string, now: number): Promise<OpenCounts> {
  const open = await notifications.openOfApp(app, SCAN_MAX);
  const waits = open.flatMap((n) => n.deliveries.filter(({ state }) => isOpen(state)).map((d) => waitingFor(n, d, now)));
  const inDoubt = waits.filter((wait) => wait === "outcome").length;
  return {
    ...{ waiting: waits.length - inDoubt, retrying: waits.filter((wait) => wait === "retry").length, inDoubt },
    isCut: open.length === SCAN_MAX,
  };
}

const ID = /^([0-9a-f]{32})(-\d+)?(\/\d+)?$/;

/** What is typed: first what has a form of its own, then an idempotency key of any app, then a user, then a provider's id. */
async function resolve({ store }: FindParts, body: Fields): Promise<Resolved> {
  const [text, app] = [textOf(body, "text", VALUE_MAX).trim(), textOf(body, "app", APP_MAX)];
  if (text === "") throw new RequestFault("text is empty");
  const id = ID.exec(text)?.[1];
  if (id !== undefined) return { kind: "notification", id };
  const filter = (filterOf: Filter): Resolved => ({ kind: "filter", filter: filterOf });
  if (/^\+\d{5,15}$/.test(text.replaceAll(/[ ()-]/g, ""))) return filter({ endpoint: `sms:${text.replaceAll(/[ ()-]/g, "")}` });
  if (/^[^\s=]{1,100}=.+$/.test(text)) return filter({ tag: text });
  for (const one of (await appIdsOf(store)).apps) {
    const found = await store.notifications.find(notificationId(one, text));
    if (found) return { kind: "notification", id: found.id };
  }
  const own = await store.notifications.search(app, { kind: "recipient", recipient: { kind: "user", userId: text } }, ALL, 1);
  if (own.length > 0) return filter({ user: text });
  if (text.includes("@")) return filter({ endpoint: `email:${text}` });
  if ((await store.attempts.withReference(text, 1)).length > 0) return filter({ "provider-ref": text });
  if (/^[0-9a-f]{64,200}$/i.test(text)) return filter({ endpoint: `apns:${text}` });
  return filter({ user: text });
}

const ALL = { from: 0, before: LAST_PLACE };
