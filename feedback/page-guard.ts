import type { Clock } from "../core/ports/clock.ts";
import type { HttpResponse, RequestHead } from "../runtime/http/server.ts";
import { languageOfRequest } from "./pages/language.ts";
import { tooManyPage, unavailablePage } from "./pages/said-pages.ts";
import { createSubjectLimit } from "./subject-limit.ts";

/** Requests of recipients' links that read or write the store at once; further ones are answered 503. */
const IN_FLIGHT_MAX = 64;

/** Holds a place for a request about a subject, or says why there is none. */
export type PageGuard = (
  of: { app: string; subject: string },
  head: RequestHead,
  work: () => Promise<HttpResponse>,
) => Promise<{ answer: HttpResponse; rejected?: "too-many" | "unavailable" }>;

/** One for all links of recipients, so that a person's links have one limit together. */
export function createPageGuard(clock: Pick<Clock, "monotonic">, inFlightMax = IN_FLIGHT_MAX): PageGuard {
  // Apart, so that programs that look at a link time and again do not keep the person from using it.
  const mayRead = createSubjectLimit(clock);
  const mayChange = createSubjectLimit(clock);
  let inFlight = 0;
  return async ({ app, subject }, head, work) => {
    const isWithinLimit = head.method === "POST" ? mayChange : mayRead;
    if (!isWithinLimit(app, subject)) return { answer: tooManyPage(languageOfRequest(head)), rejected: "too-many" };
    if (inFlight >= inFlightMax) return { answer: unavailablePage(languageOfRequest(head)), rejected: "unavailable" };
    inFlight += 1;
    try {
      return { answer: await work() };
    } finally {
      inFlight -= 1;
    }
  };
}
