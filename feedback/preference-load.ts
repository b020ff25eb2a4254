import { endpointIds } from "../adapters/ids.ts";
import type { BrandLinks } from "../adapters/page-links.ts";
import type { AppRecord } from "../core/apps/app.ts";
import { maskEndpoint } from "../core/delivery/endpoint.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { ContactRecord } from "../core/ports/contact-store.ts";
import type { UpdatedPreference } from "../core/ports/preference-store.ts";
import type { Store } from "../core/ports/store.ts";
import { type ChangeEntry, stateOf } from "../core/preferences/change.ts";
import { pausedUntil } from "../core/preferences/choosing.ts";
import { endpointSubject, type PreferenceRecord, userIdOf } from "../core/preferences/opt-out.ts";
import type { PageClaim } from "../core/preferences/page-claim.ts";
import { PAGE_LINK_DAYS, pageEndsAt } from "../core/preferences/unsubscribe-token.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { RequestHead } from "../runtime/http/server.ts";
import { brandOf } from "./brand.ts";
import type { PreferenceAccess } from "./choices.ts";
import { type Language, languageOfRequest } from "./pages/language.ts";
import { labelOf, type PreferenceView } from "./pages/preference-page.ts";
import type { Notice } from "./pages/preference-words.ts";
import { type Address, type ChoiceTable, choiceTable, isRequired } from "./preference-table.ts";

/** Longest time for reading what the page shows, in ms. Without the choices there is no page. */
const READ_MS_MAX = 2_000;
/** As long as a link lasts, which is what the page says. */
export const PAUSE_MS = PAGE_LINK_DAYS * 86_400_000;
/** Changes that its Undo may take back: of this page, and of the one to unsubscribe, which leads here. */
const UNDOABLE_SOURCES = ["preference-page", "unsubscribe-page"];

export type PageStore = Pick<Store, "apps" | "profiles" | "contacts" | "preferences">;

/** All that the page shows, as it is now. */
export interface LoadedPage {
  claim: PageClaim;
  app: AppRecord;
  language: Language;
  timeZone: string | undefined;
  tenant: string | undefined;
  record: UpdatedPreference;
  /** The change that made this version; undefined: there is none, or it is not known. */
  lastChange: ChangeEntry | undefined;
  contacts: readonly ContactRecord[];
  addresses: readonly Address[];
  table: ChoiceTable;
}

/** "gone": there is no such app. Undefined: the store could not be read in time. */
export type PageLoad = LoadedPage | "gone" | undefined;

export function createPageLoad(parts: { store: PageStore; preferences: PreferenceAccess; clock: Pick<Clock, "now" | "after"> }) {
  const { store, preferences, clock } = parts;

  async function read(claim: PageClaim, head: Pick<RequestHead, "query" | "headers">): Promise<PageLoad> {
    const { app: id, subject } = claim;
    const userId = userIdOf(subject);
    const [app, profiles, contacts, record, history] = await Promise.all([
      store.apps.find(id),
      userId === undefined ? [] : store.profiles.find(id, [userId]),
      userId === undefined ? [] : store.contacts.list(id, [userId]),
      preferences.get(id, subject),
      preferences.history(id, subject, Number.MAX_SAFE_INTEGER, 1),
    ]);
    if (app === undefined) return "gone";
    if (record === undefined || history === undefined) return undefined;
    const subjects = contacts.flatMap(({ endpoint }) => endpointIds(endpoint).map(endpointSubject));
    const records = subjects.length === 0 ? [] : await store.preferences.find(id, subjects);
    const { locale, timeZone, tenant } = profiles[0]?.profile ?? {};
    const loaded = {
      ...{ claim, app, language: languageOfRequest(head, locale), timeZone, tenant, contacts },
      addresses: userId === undefined ? ownAddress(claim, record) : contacts.map((contact) => addressOf(contact, records)),
    };
    return withRecord({ ...loaded, lastChange: history[0] }, record, clock.now());
  }

  return (claim: PageClaim, head: Pick<RequestHead, "query" | "headers">): Promise<PageLoad> =>
    withDeadline(read(claim, head), { clock, limitMs: READ_MS_MAX }, () => undefined).catch(() => undefined);
}

/** The same page with the record as it is after a change. */
export function withRecord(page: Omit<LoadedPage, "record" | "table">, record: UpdatedPreference, now: number): LoadedPage {
  const { app, claim, tenant, addresses } = page;
  const { channels, categories = [] } = app;
  const table = choiceTable({ channels, only: claim.channel, categories, tenant, state: stateOf(record), addresses, now });
  return { ...page, record, lastChange: record.lastChange ?? page.lastChange, table };
}

/** Of an address itself: what it chose is what the page shows, so only what blocks it counts. */
const ownAddress = ({ channel }: PageClaim, { blocks }: PreferenceRecord): Address[] =>
  channel === undefined ? [] : [{ channel, states: [{ optOuts: [], consents: [], blocks }] }];

function addressOf({ endpoint }: ContactRecord, records: readonly PreferenceRecord[]): Address {
  const subjects = endpointIds(endpoint).map(endpointSubject);
  return { channel: endpoint.channel, states: records.filter(({ subject }) => subjects.includes(subject)).map(stateOf) };
}

/** The last change, where the page may take it back. */
export const undoable = ({ record, lastChange }: LoadedPage): ChangeEntry | undefined =>
  lastChange?.version === record.version && UNDOABLE_SOURCES.includes(lastChange.origin.source ?? "") ? lastChange : undefined;

/** Whether everything is refused without an end, and no consent counts more than that. */
const isAllOff = ({ optOuts, consents }: PreferenceRecord): boolean =>
  consents.length === 0 && optOuts.some(({ channel, category, until }) => channel === "*" && category === "*" && until === undefined);

/** In words of the person's language and time zone. */
export function viewOf(page: LoadedPage, brands: BrandLinks, now: number, notice?: Notice): PreferenceView {
  const { app, claim, language, timeZone, tenant, record, contacts, table } = page;
  const date = (at: number) => dateIn(language, timeZone, at);
  const mails = contacts.filter(({ endpoint }) => endpoint.channel === "email");
  const [mail, ...others] = mails;
  const last = undoable(page);
  const until = pausedUntil(record, now);
  return {
    ...{
      language,
      table,
      notice,
      version: record.version,
      isAllOff: isAllOff(record),
      brand: brandOf(app.id, app.brand, language, brands),
    },
    required: (app.categories ?? [])
      .filter((category) => isRequired(category, tenant))
      .map((category) => labelOf({ category }, language).title),
    address: mail === undefined || others.length > 0 ? undefined : maskEndpoint(mail.endpoint),
    hasOthers: contacts.length > 1,
    undo: last && { version: last.version, date: date(last.at) },
    pausedUntil: until === undefined ? undefined : date(until),
    ...{ pauseEnds: date(now + PAUSE_MS), linkEnds: date(pageEndsAt(claim.issuedAt)) },
  };
}

const LOCALES: Readonly<Record<Language, string>> = { en: "en-GB", ko: "ko-KR" };

function dateIn(language: Language, timeZone: string | undefined, at: number): string {
  const options = { day: "numeric", month: "long" } as const;
  try {
    return new Intl.DateTimeFormat(LOCALES[language], { ...options, timeZone: timeZone ?? "UTC" }).format(at);
  } catch {
    // A time zone that this version of ICU does not know.
    return new Intl.DateTimeFormat(LOCALES[language], { ...options, timeZone: "UTC" }).format(at);
  }
}
