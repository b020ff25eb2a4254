import { endpointId } from "../../adapters/ids.ts";
import { maskEndpoint } from "../../core/delivery/endpoint.ts";
import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import type { ContactRecord } from "../../core/ports/contact-store.ts";
import type { Block } from "../../core/preferences/block.ts";
import { pausedUntil } from "../../core/preferences/choosing.ts";
import { endOf, userSubject } from "../../core/preferences/opt-out.ts";
import type { References } from "../auth/references.ts";
import type { PersonEndpoint, PersonNotification, PersonView } from "../person-view.ts";
import { hasRole, type Session } from "../session.ts";
import { statesOf } from "./notification.ts";
import { matrixOf, scopeWords, subjectsOf } from "./person-matrix.ts";
import { historyOf, type Person } from "./person-read.ts";
import { userFor } from "./sight.ts";
import { CHANNEL_NAMES, whyOf } from "./words.ts";

const DAY_MS = 86_400_000;
/** Failures that are older are no open problem. */
const RECENT_MS = 7 * DAY_MS;

/** Masked, but for the user's id, which support sees everywhere. */
export function personView(person: Person, session: Session, references: References): PersonView {
  const { app, userId, profile, contacts, records, changes, recent, now } = person;
  const own = records.get(userSubject(userId));
  const { channels, rows } = matrixOf(person);
  const maySee = hasRole(session, "support");
  const isUnknown = own === undefined && contacts.length + changes.length + recent.length === 0 && Object.keys(profile).length === 0;
  return {
    ...{ user: userFor(session, userId), reference: references.ofPerson(app.id, userId), isReferenceLasting: references.areLasting() },
    ...{ earlierReferences: references.earlierOfPerson(app.id, userId), isUnknown, now },
    profile: profileWords(person),
    ...problemOf(person),
    endpoints: contacts.map((contact) => endpointRow(person, contact, references, maySee)),
    channels: channels.map((channel) => ({ channel, name: CHANNEL_NAMES[channel] })),
    matrix: rows,
    categories: rows.flatMap(({ category, rule }) => (category === "*" || rule.startsWith("required") ? [] : [category])),
    version: own?.version ?? 0,
    optOuts: (own?.optOuts ?? [])
      .filter((choice) => endOf(choice) > now)
      .map((choice) => ({ channel: choice.channel, category: choice.category, words: scopeWords(choice) })),
    history: historyOf(person, maySee ? "masked" : "none"),
    ...{ isHistoryCut: person.isHistoryCut, isEndpointsCut: person.isContactsCut },
    recent: recent.map((n) => notificationRow(n, now)),
  };
}

const minutes = (of: number) => `${String(Math.floor(of / 60)).padStart(2, "0")}:${String(of % 60).padStart(2, "0")}`;

function profileWords({ profile: { locale = "", timeZone = "", quietHours, tenant = "" }, now }: Person): PersonView["profile"] {
  return {
    ...{ locale, timeZone, tenant, localTime: timeZone === "" ? "" : timeIn(timeZone, now) },
    quietHours: quietHours === undefined ? "" : `${minutes(quietHours.fromMinute)}–${minutes(quietHours.untilMinute)}`,
  };
}

/** Empty where this machine does not know the zone. */
function timeIn(timeZone: string, now: number): string {
  try {
    return new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" }).format(now);
  } catch {
    return "";
  }
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

/** What is open or went wrong lately, as one sentence with its details. */
function problemOf({ recent, contacts, records, userId, now }: Person): Pick<PersonView, "problem" | "details"> {
  const all = recent.flatMap((n) => n.deliveries.map((d) => ({ n, d })));
  const late = all.filter(({ d }) => (d.endedAt ?? 0) > now - RECENT_MS);
  const groups: (readonly [words: string, of: typeof all])[] = [
    ["waiting", all.filter(({ n, d }) => d.state === "pending" && (d.reason !== undefined || n.sendAt <= now))],
    ["in doubt", all.filter(({ d }) => d.state === "uncertain")],
    ["failed", late.filter(({ d }) => d.state === "failed")],
    ["expired", late.filter(({ d }) => d.state === "expired")],
  ];
  const parts = groups.filter(([, of]) => of.length > 0).map(([words, of]) => `${of.length} ${words}`);
  const blocked = contacts.filter((contact) => blocksOf(contact, records).length > 0);
  const own = records.get(userSubject(userId));
  const until = own && pausedUntil(own, now);
  const sentences = [
    ...(parts.length === 0 ? [] : [`Of the recent deliveries ${parts.join(", ")}`]),
    ...(blocked.length === 0 ? [] : [`${counted(blocked.length, "endpoint")} blocked`]),
    ...(until === undefined ? [] : [`everything is paused until ${new Date(until).toISOString().slice(0, 16).replace("T", " ")} UTC`]),
    ...(contacts.length === 0 && (recent.length > 0 || own !== undefined) ? ["no endpoint is registered, so nothing can be sent"] : []),
  ];
  const text = sentences.join("; ");
  const whys = groups.flatMap(([, of]) => of.map(({ n, d }) => `${CHANNEL_NAMES[d.channel]}: ${whyOf(n, d, now).words}`));
  return {
    problem: text === "" ? "" : `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`,
    details: [...new Set(whys)],
  };
}

const blocksOf = (contact: ContactRecord, records: Person["records"]): Block[] =>
  subjectsOf(contact).flatMap((subject) => records.get(subject)?.blocks ?? []);

function endpointRow({ recent, records }: Person, contact: ContactRecord, references: References, maySee: boolean): PersonEndpoint {
  const id = references.ofEndpoint(contact.endpointId);
  const { endpoint, goneReportedAt, registeredAt, deviceLabel = "" } = contact;
  const mine = recent.flatMap((n) =>
    n.deliveries.filter((d) => d.endpoint !== undefined && endpointId(d.endpoint) === endpointId(endpoint)),
  );
  const waiting = mine.filter(({ state }) => state === "pending").length;
  const sent = mine.filter(isSent).map(({ endedAt = 0 }) => endedAt);
  const kinds = [...new Set(blocksOf(contact, records).map(({ kind }) => kind))];
  const state: PersonEndpoint["state"] =
    kinds.length > 0
      ? { word: `Blocked: ${kinds.join(", ")}`, mark: "bad" }
      : goneReportedAt !== undefined
        ? { word: "Reported gone", mark: "warn" }
        : waiting > 0
          ? { word: `${waiting} waiting`, mark: "wait" }
          : { word: "In use", mark: "ok" };
  return {
    ...{ id, channel: endpoint.channel, channelName: CHANNEL_NAMES[endpoint.channel], endpoint: maskEndpoint(endpoint), state },
    // People name devices after themselves.
    ...{ label: maySee ? deviceLabel : "", blocks: kinds, registeredAt },
    ...(sent.length > 0 && { lastSentAt: Math.max(...sent) }),
  };
}

const isSent = ({ state, endedAt }: Delivery) => (state === "sent" || state === "delivered") && endedAt !== undefined;

function notificationRow(n: NotificationRecord, now: number): PersonNotification {
  const unsent = n.deliveries.filter(({ state }) => state !== "sent" && state !== "delivered");
  return {
    ...{ id: n.id, acceptedAt: n.acceptedAt, category: n.category, notificationClass: n.notificationClass, states: statesOf(n) },
    why: [...new Set(unsent.map((d) => whyOf(n, d, now).words))].map((words) => words.split(/(?<=\.) /)[0]).join(" "),
  };
}
