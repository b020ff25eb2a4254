import type { Clock } from "../core/ports/clock.ts";
import type { HttpResponse, RequestHead } from "../runtime/http/server.ts";
import { languageOfRequest } from "./pages/language.ts";
import { tooManyPage, unavailablePage } from "./pages/said-pages.ts";
import { createSubjectLimit } from "./subject-limit.ts";

/** Requests of recipients' links that read or write the store at once; further ones are answered 503. */
const IN_FLIGHT_MAX = 64;

/** Does work where there is room for it; undefined: there is none. */
export type InFlight = <T>(work: () => Promise<T>) => Promise<T> | undefined;

/** One for all that recipients' pages read and write, what they need besides their text included. */
export function createInFlight(max = IN_FLIGHT_MAX): InFlight {
  let inFlight = 0;
  return (work) => {
    if (inFlight >= max) return undefined;
    inFlight += 1;
    return work().finally(() => {
      inFlight -= 1;
    });
  };
}

/** Holds a place for a request about a subject, or says why there is none. */
export type PageGuard = (
  of: { app: string; subject: string },
  head: RequestHead,
  work: () => Promise<HttpResponse>,
) => Promise<{ answer: HttpResponse; rejected?: "too-many" | "unavailable" }>;

/** One for all links of recipients, so that a person's links have one limit together. */
export function createPageGuard(clock: Pick<Clock, "monotonic">, inFlight: InFlight): PageGuard {
  // Apart, so that programs that look at a link time and again do not keep the person from using it.
  const mayRead = createSubjectLimit(clock);
  const mayChange = createSubjectLimit(clock);
  return async ({ app, subject }, head, work) => {
    const isWithinLimit = head.method === "POST" ? mayChange : mayRead;
    if (!isWithinLimit(app, subject)) return { answer: tooManyPage(languageOfRequest(head)), rejected: "too-many" };
    const answer = await inFlight(work);
    return answer === undefined ? { answer: unavailablePage(languageOfRequest(head)), rejected: "unavailable" } : { answer };
  };
}
