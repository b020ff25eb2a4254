import type { BrandLinks, PageLinks } from "../adapters/page-links.ts";
import { UNSUBSCRIBE_PATH, type UnsubscribeLinks } from "../adapters/unsubscribe-links.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { OptOut } from "../core/preferences/opt-out.ts";
import { opensPage, type UnsubscribeClaim } from "../core/preferences/unsubscribe-token.ts";
import type { HttpRequest, HttpResponse, RequestHead, Route } from "../runtime/http/server.ts";
import { type Chosen, createChoices, isRefused, type PreferenceAccess } from "./choices.ts";
import { formFields } from "./form-body.ts";
import type { FeedbackMetrics } from "./metrics.ts";
import type { PageGuard } from "./page-guard.ts";
import { languageOfRequest } from "./pages/language.ts";
import { endedPage, unconfirmedPage } from "./pages/said-pages.ts";
import { confirmPage, donePage, notUndonePage, undonePage } from "./pages/unsubscribe-pages.ts";
import { SCOPES, type Scope } from "./pages/unsubscribe-words.ts";
import { createUnsubscribeView, type ViewStore } from "./unsubscribe-view.ts";

/** A multiple of what mail programs and our pages send. */
const BODY_BYTES_MAX = 4_096;

export interface UnsubscribeRouteParts {
  links: Pick<UnsubscribeLinks, "isOn" | "claimIn">;
  preferences: PreferenceAccess;
  store: ViewStore;
  clock: Pick<Clock, "now" | "monotonic" | "after">;
  metrics: Pick<FeedbackMetrics, "unsubscribes">;
  guard: PageGuard;
  pages: Pick<PageLinks, "pathOf">;
  brands: BrandLinks;
}

const ONE_CLICK: readonly [name: string, value: string] = ["List-Unsubscribe", "One-Click"];

/**
 * /u/<token>, below each base. GET shows a question and changes nothing, because programs follow each link of a mail. POST of List-Unsubscribe=One-Click (RFC 8058), by a mail
 * program, records the refusal and is answered 200, also where the token says nothing; POST of the page's form does as it says. 503 while the
 * store cannot be reached, 429 beyond SUBJECT_LIMIT. No cookies, no redirects.
 */
export function createUnsubscribeRoutes(parts: UnsubscribeRouteParts, bases: readonly string[]): Route[] {
  const { links, clock, metrics, guard } = parts;
  const choices = createChoices(parts.preferences);
  const viewOf = createUnsubscribeView(parts);

  const counted = (what: string, result: string, answer: HttpResponse): HttpResponse => {
    metrics.unsubscribes.inc({ what, result });
    return answer;
  };

  async function within(
    what: string,
    head: RequestHead,
    claim: UnsubscribeClaim,
    work: () => Promise<HttpResponse>,
  ): Promise<HttpResponse> {
    const { answer, rejected } = await guard(claim, head, work);
    return rejected === undefined ? answer : counted(what, rejected, answer);
  }

  async function byMailProgram(request: HttpRequest, claim: UnsubscribeClaim): Promise<HttpResponse> {
    const { channel, category } = claim;
    const chosen = await choices.refuse(claim, { channel, category }, "one-click");
    if (chosen === undefined) return counted("one-click", "unavailable", unconfirmedPage(languageOfRequest(request)));
    return counted("one-click", resultOf(chosen), { status: 200, body: "unsubscribed\n", headers: PLAIN });
  }

  async function byPage(request: HttpRequest, claim: UnsubscribeClaim, scope: Scope): Promise<HttpResponse> {
    const refused = optOutOf(claim, scope);
    const chosen = await choices.refuse(claim, refused, "unsubscribe-page");
    if (chosen === undefined) return counted("page", "unavailable", unconfirmedPage(languageOfRequest(request)));
    // Also where the same form came twice.
    const undo = opensPage(claim, clock.now()) ? await choices.undoable(claim, chosen.record, refused) : undefined;
    return counted("page", resultOf(chosen), donePage(await viewOf(claim, request), scope, undo));
  }

  async function byUndo(request: HttpRequest, claim: UnsubscribeClaim, version: number): Promise<HttpResponse> {
    const chosen = await choices.undo(claim, version);
    if (chosen === undefined) return counted("undo", "unavailable", unconfirmedPage(languageOfRequest(request)));
    const view = await viewOf(claim, request);
    if (!chosen.isUndone) return counted("undo", resultOf(chosen), notUndonePage(view));
    const isStill = isRefused(chosen.record.optOuts, optOutOf(claim, "mail"));
    return counted("undo", resultOf(chosen), isStill ? donePage(view, "mail", undefined) : undonePage(view));
  }

  async function post(request: HttpRequest, claim: UnsubscribeClaim): Promise<HttpResponse> {
    const fields = await formFields(request);
    if (fields.get(ONE_CLICK[0]) === ONE_CLICK[1]) return byMailProgram(request, claim);
    const scope = SCOPES.find((one) => one === fields.get("scope"));
    if (scope !== undefined) return byPage(request, claim, scope);
    const undo = /^\d{1,15}$/.exec(fields.get("undo") ?? "")?.[0];
    if (undo !== undefined && opensPage(claim, clock.now())) return byUndo(request, claim, Number(undo));
    return counted("page", "shown", confirmPage(await viewOf(claim, request)));
  }

  function routesAt(base: string): Route[] {
    const own = `${base}${UNSUBSCRIBE_PATH}`;
    const common = { path: `${own}*`, isServed: () => links.isOn() };
    const claimOf = ({ path }: RequestHead) => links.claimIn(path.slice(own.length));
    const ended = (what: string, head: RequestHead, status: number) => counted(what, "unknown", endedPage(languageOfRequest(head), status));
    return [
      {
        ...common,
        method: "GET",
        async handle(request) {
          const claim = claimOf(request);
          if (claim === undefined) return ended("page", request, 404);
          return within("page", request, claim, async () => counted("page", "shown", confirmPage(await viewOf(claim, request))));
        },
      },
      {
        ...common,
        method: "POST",
        bodyBytesMax: BODY_BYTES_MAX,
        // The body of a request that cannot change anything is not read.
        screen: (head) => (claimOf(head) === undefined ? ended("post", head, 200) : undefined),
        async handle(request) {
          const claim = claimOf(request);
          // Its key went while the body was read.
          if (claim === undefined) return ended("post", request, 200);
          return within("post", request, claim, () => post(request, claim));
        },
      },
    ];
  }
  return bases.flatMap(routesAt);
}

const PLAIN = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };

const resultOf = ({ changed }: NonNullable<Chosen>) => (changed ? "recorded" : "unchanged");

function optOutOf({ channel, category }: UnsubscribeClaim, scope: Scope): OptOut {
  return { channel: scope === "category" ? "*" : channel, category: scope === "channel" ? "*" : category };
}
