import { endpointIds } from "../../adapters/ids.ts";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import type { ContactRecord } from "../../core/ports/contact-store.ts";
import { type Refusal, refusalOf } from "../../core/preferences/answer.ts";
import { type Category, defaultOf } from "../../core/preferences/category.ts";
import type { PreferenceState } from "../../core/preferences/change.ts";
import {
  choicesThatApply,
  endOf,
  endpointSubject,
  isSameOptOut,
  type OptOut,
  type PreferenceRecord,
  userSubject,
} from "../../core/preferences/opt-out.ts";
import type { Cell, MatrixRow } from "../person-view.ts";
import type { State } from "../view.ts";
import { CHANNEL_NAMES } from "./words.ts";

/** What is known of one user, as it decides what is sent. */
export interface Known {
  userId: string;
  categories: readonly Category[];
  channels: readonly Channel[];
  tenant: string | undefined;
  contacts: readonly ContactRecord[];
  /** Of the user and of the endpoints, by subject. */
  records: ReadonlyMap<string, PreferenceRecord>;
  now: number;
}

/** The subjects of an endpoint, that of the id which earlier versions gave it included. */
export const subjectsOf = ({ endpoint }: Pick<ContactRecord, "endpoint">): string[] => endpointIds(endpoint).map(endpointSubject);

/**
 * What is sent to the user now, by category and channel, with why. Rows: the app's categories that people see, then others that the user chose about, then
 * what holds for categories that the app never described.
 */
export function matrixOf(known: Known): { channels: Channel[]; rows: MatrixRow[] } {
  const channels = CHANNELS.filter(
    (channel) => known.channels.includes(channel) || known.contacts.some((c) => c.endpoint.channel === channel),
  );
  const chosen = new Set([...known.records.values()].flatMap(({ optOuts, consents }) => [...optOuts, ...consents].map((c) => c.category)));
  const shown = known.categories.filter(({ name, hidden }) => !hidden || chosen.has(name));
  const others = [...chosen].filter((name) => name !== "*" && !known.categories.some((c) => c.name === name)).sort();
  const row = (name: string, category: Category | undefined): MatrixRow => ({
    category: name,
    rule: ruleOf(category, known.tenant),
    cells: channels.map((channel) => cellOf(known, channel, name, category)),
  });
  return { channels, rows: [...shown.map((c) => row(c.name, c)), ...others.map((name) => row(name, undefined)), row("*", undefined)] };
}

const RULES = { "opted-in": "on unless opted out", "opted-out": "off unless opted in", required: "required" } as const;

/** The rule of the category as a whole; single channels may be off. */
function ruleOf(category: Category | undefined, tenant: string | undefined): string {
  const rule = RULES[defaultOf(category && { ...category, channelsOff: [] }, "email", tenant)];
  return category?.hidden ? `${rule}, hidden from people` : rule;
}

const WORDS: Readonly<Record<Refusal, State>> = {
  "opted-out": { word: "Opted out", mark: "" },
  "no-consent": { word: "Not opted in", mark: "" },
  stopped: { word: "Blocked: STOP", mark: "bad" },
  complained: { word: "Blocked: complaint", mark: "bad" },
  bounced: { word: "Blocked: bounce", mark: "bad" },
  blocked: { word: "Blocked", mark: "bad" },
};

function cellOf(known: Known, channel: Channel, name: string, category: Category | undefined): Cell {
  const { userId, contacts, records, tenant, now } = known;
  const user = records.get(userSubject(userId));
  const own = contacts.filter(({ endpoint }) => endpoint.channel === channel);
  const holds = defaultOf(category, channel, tenant);
  const asked = { channel, category: name, notificationClass: category?.notificationClass ?? "transactional", default: holds } as const;
  const subjects = (contact: ContactRecord | undefined): PreferenceState[] =>
    [user, ...(contact ? subjectsOf(contact).map((subject) => records.get(subject)) : [])].filter((r) => r !== undefined);
  const places = own.length === 0 ? [undefined] : own;
  const ends = places.map((place) => ({ states: subjects(place), refusal: refusalOf(subjects(place), asked, now) }));
  const refused = ends.find(({ refusal }) => refusal !== undefined);
  const isEach = ends.every(({ refusal }) => refusal !== undefined);
  if (refused?.refusal !== undefined) {
    const why = whyRefused(refused.refusal, refused.states, asked, now);
    if (isEach) return { state: WORDS[refused.refusal], why };
    const sent = ends.filter(({ refusal }) => refusal === undefined).length;
    return { state: { word: `Sent to ${sent} of ${ends.length}`, mark: "warn" }, why: `${WORDS[refused.refusal].word}: ${why}` };
  }
  if (own.length === 0) return { state: { word: "No endpoint", mark: "" }, why: "none is registered" };
  const others = ends.flatMap(({ states }) => states.flatMap(({ blocks }) => blocks)).filter(({ pool }) => pool !== undefined);
  const isConsented = ends.some(({ states }) => states.some(({ consents }) => speaking(consents, channel, name, now) !== undefined));
  const why = holds === "required" ? "required" : isConsented && holds === "opted-out" ? "opted in" : "by default";
  return { state: { word: "Sent", mark: "ok" }, why: others.length === 0 ? why : `${why}; a sender of its own is stopped` };
}

const speaking = (choices: readonly OptOut[], channel: Channel, category: string, now: number): OptOut | undefined =>
  choicesThatApply(channel, category)
    .flatMap((scope) => choices.filter((choice) => isSameOptOut(choice, scope) && endOf(choice) > now))
    .at(0);

function whyRefused(
  refusal: Refusal,
  states: readonly PreferenceState[],
  asked: { channel: Channel; category: string },
  now: number,
): string {
  if (refusal === "no-consent") return "the category's default is off";
  if (refusal !== "opted-out") return "a block holds whatever is chosen";
  const choice = states.map(({ optOuts }) => speaking(optOuts, asked.channel, asked.category, now)).find((one) => one !== undefined);
  if (choice === undefined) return "chosen";
  return `chosen for ${scopeWords(choice)}`;
}

/** "SMS, every category, until 2026-12-24" */
export const scopeWords = ({ channel, category, until }: OptOut): string =>
  [
    channel === "*" ? "every channel" : CHANNEL_NAMES[channel],
    category === "*" ? "every category" : category,
    ...(until === undefined ? [] : [`until ${new Date(until).toISOString().slice(0, 16).replace("T", " ")} UTC`]),
  ].join(", ");
