import { type BrandLinks, PAGE_PATH, type PageLinks } from "../adapters/page-links.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { ChangeOrigin, PreferenceState } from "../core/preferences/change.ts";
import { allRefused, changeTo, choosing, paused, resumed, takenBack } from "../core/preferences/choosing.ts";
import type { PageClaim } from "../core/preferences/page-claim.ts";
import { opensPage } from "../core/preferences/unsubscribe-token.ts";
import type { HttpRequest, HttpResponse, RequestHead, Route } from "../runtime/http/server.ts";
import type { PreferenceAccess } from "./choices.ts";
import { formFields } from "./form-body.ts";
import type { FeedbackMetrics } from "./metrics.ts";
import type { PageGuard } from "./page-guard.ts";
import { languageOfRequest } from "./pages/language.ts";
import { labelOf, preferencePage } from "./pages/preference-page.ts";
import type { Notice } from "./pages/preference-words.ts";
import { endedPage, unavailablePage, unconfirmedPage } from "./pages/said-pages.ts";
import { createPageLoad, type LoadedPage, PAUSE_MS, type PageStore, undoable, viewOf, withRecord } from "./preference-load.ts";
import { wishesOf } from "./preference-table.ts";

/** 100 categories on four channels: names of 64 characters in the list of what was shown, and in each checked box. */
const BODY_BYTES_MAX = 65_536;
const VERSION = /^\d{1,15}$/;

export interface PreferenceRouteParts {
  links: PageLinks;
  brands: BrandLinks;
  store: PageStore;
  preferences: PreferenceAccess;
  guard: PageGuard;
  clock: Pick<Clock, "now" | "after">;
  metrics: Pick<FeedbackMetrics, "preferencePages">;
}

type Fields = ReadonlyMap<string, string>;

/** What a form asks for: choices, and what to say once they are stored. */
interface Asked {
  what: "save" | "pause" | "resume" | "off" | "undo";
  /** Undefined: it is no longer possible. */
  wanted: Pick<PreferenceState, "optOuts" | "consents"> | undefined;
  done: Notice;
}

/**
 * /p/<token>, below each base: the page where people choose. GET changes nothing. POST of one of its forms changes what the form says, if the choices are still those that
 * the page showed (409 and the page as it is now otherwise). 404 and one page for every token that says nothing or is too old, 503 while the store
 * cannot be reached, 429 beyond SUBJECT_LIMIT. No cookies, no redirects: the token in the path is all that proves who asks.
 */
export function createPreferenceRoutes(parts: PreferenceRouteParts, bases: readonly string[]): Route[] {
  const { links, brands, preferences, guard, clock, metrics } = parts;
  const load = createPageLoad(parts);

  const counted = (what: string, result: string, answer: HttpResponse): HttpResponse => {
    metrics.preferencePages.inc({ what, result });
    return answer;
  };
  const ended = (what: string, head: RequestHead) => counted(what, "unknown", endedPage(languageOfRequest(head), 404));
  const unavailable = (what: string, head: RequestHead) => counted(what, "unavailable", unavailablePage(languageOfRequest(head)));
  const shown = (page: LoadedPage, notice?: Notice, status = 200) => preferencePage(viewOf(page, brands, clock.now(), notice), status);

  /** Loads the page for work on it. */
  async function withPage(what: string, head: RequestHead, claim: PageClaim, work: (page: LoadedPage) => Promise<HttpResponse>) {
    const { answer, rejected } = await guard(claim, head, async () => {
      const page = await load(claim, head);
      if (page === "gone") return ended(what, head);
      return page === undefined ? unavailable(what, head) : work(page);
    });
    return rejected === undefined ? answer : counted(what, rejected, answer);
  }

  async function change(page: LoadedPage, fields: Fields, head: RequestHead): Promise<HttpResponse> {
    const now = clock.now();
    const asked = askedBy(page, fields, now);
    if (asked === undefined) return counted("page", "shown", shown(page));
    const { what, wanted, done } = asked;
    const { record, claim } = page;
    const refused: Notice = { kind: what === "undo" ? "too-late" : "outdated" };
    if (wanted === undefined) return counted(what, "outdated", shown(page, refused, 409));
    const wishedFor = changeTo(record, wanted, originOf(claim));
    // Also where the same form came twice.
    if (wishedFor === undefined) return counted(what, "unchanged", shown(page, { kind: "unchanged" }));
    if (fields.get(what === "undo" ? "undo" : "version") !== String(record.version))
      return counted(what, "outdated", shown(page, refused, 409));
    const stored = await preferences.update(claim.app, claim.subject, wishedFor);
    if (stored === undefined) return counted(what, "unavailable", unconfirmedPage(languageOfRequest(head)));
    // Where nothing was written, it is not known which change was the last.
    const after = withRecord({ ...page, lastChange: undefined }, stored, clock.now());
    if (stored.outdated) return counted(what, "outdated", shown(after, refused, 409));
    if (stored.tooMany) return counted(what, "too-many", shown(after, { kind: "too-many" }, 409));
    return counted(what, "recorded", shown(after, done));
  }

  function routesAt(base: string): Route[] {
    const own = `${base}${PAGE_PATH}`;
    const claimOf = ({ path }: RequestHead): PageClaim | undefined => {
      const claim = links.claimIn(path.slice(own.length));
      return claim && opensPage(claim, clock.now()) ? claim : undefined;
    };
    return [
      {
        ...{ method: "GET", path: `${own}*` },
        async handle(request) {
          const claim = claimOf(request);
          if (claim === undefined) return ended("page", request);
          return withPage("page", request, claim, async (page) => counted("page", "shown", shown(page)));
        },
      },
      {
        ...{ method: "POST", path: `${own}*`, bodyBytesMax: BODY_BYTES_MAX },
        // The body of a request that cannot change anything is not read.
        screen: (head) => (claimOf(head) === undefined ? ended("post", head) : undefined),
        async handle(request: HttpRequest) {
          const claim = claimOf(request);
          // It ended, or its key went, while the body was read.
          if (claim === undefined) return ended("post", request);
          const fields = await formFields(request);
          return withPage("post", request, claim, (page) => change(page, fields, request));
        },
      },
    ];
  }
  return bases.flatMap(routesAt);
}

/** Undefined: the form is none of the page's. */
function askedBy(page: LoadedPage, fields: Fields, now: number): Asked | undefined {
  const { record, table, language } = page;
  if (fields.has("undo")) {
    const entry = VERSION.test(fields.get("undo") ?? "") ? undoable(page) : undefined;
    const isLast = entry !== undefined && String(entry.version) === fields.get("undo");
    return { what: "undo", wanted: isLast ? takenBack(record, entry) : undefined, done: { kind: "undone" } };
  }
  if (!VERSION.test(fields.get("version") ?? "")) return undefined;
  if (fields.has("pause")) return { what: "pause", wanted: paused(resumed(record, now), now + PAUSE_MS), done: { kind: "paused" } };
  if (fields.has("resume")) return { what: "resume", wanted: resumed(record, now), done: { kind: "resumed" } };
  if (fields.get("everything") === "off") return { what: "off", wanted: allRefused(record), done: { kind: "off" } };
  const was = fields.get("was");
  if (was === undefined) return undefined;
  const wishes = wishesOf(table, was, (name) => fields.has(name));
  // What is so by now need not be chosen.
  const open = wishes.filter(({ cell, isWanted }) => cell.isOn !== isWanted);
  const places = open.flatMap(({ cell, isWanted }) => cell.places.map((place) => ({ place, isWanted })));
  const [first, ...more] = open;
  const row = table.rows.find(({ cells }) => first !== undefined && cells.includes(first.cell));
  const one =
    row && first && more.length === 0
      ? { title: labelOf(row, language).title, column: first.cell.column, isOn: first.isWanted }
      : undefined;
  return { what: "save", wanted: choosing(record, places, now), done: { kind: "saved", count: open.length, ...(one && { one }) } };
}

/** Who has the link is the recipient, as far as anybody knows. */
const originOf = ({ notificationId, issuedAt }: PageClaim): ChangeOrigin => ({
  ...{ actor: "recipient", source: "preference-page" },
  evidence: notificationId ?? `link of ${new Date(issuedAt).toISOString()}`,
});
