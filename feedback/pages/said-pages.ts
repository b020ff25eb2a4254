import { type Html, html } from "../../runtime/http/html.ts";
import type { HttpResponse } from "../../runtime/http/server.ts";
import type { Language } from "./language.ts";
import { pageAnswer } from "./layout.ts";
import { UNSUBSCRIBE_WORDS } from "./unsubscribe-words.ts";

/** Retry-After, in seconds, as the page says it. */
const RETRY_AFTER = { "retry-after": "60" };

/** One page for every link that is not valid: forged, cut, expired, or of a key or an app that is gone. It does not tell which. */
export function endedPage(language: Language, status: number): HttpResponse {
  const words = UNSUBSCRIBE_WORDS[language];
  return pageAnswer(status, { language, title: words.ended, body: said(words.ended, words.endedWhy, words.endedHow) });
}

export function unavailablePage(language: Language): HttpResponse {
  const words = UNSUBSCRIBE_WORDS[language];
  return pageAnswer(503, { language, title: words.unavailable, body: said(words.unavailable, words.tryAgain) }, RETRY_AFTER);
}

/** After a write that the store did not confirm: it may be stored all the same. */
export function unconfirmedPage(language: Language): HttpResponse {
  const words = UNSUBSCRIBE_WORDS[language];
  return pageAnswer(503, { language, title: words.unavailable, body: said(words.unavailable, words.unconfirmed) }, RETRY_AFTER);
}

export function tooManyPage(language: Language): HttpResponse {
  const words = UNSUBSCRIBE_WORDS[language];
  return pageAnswer(429, { language, title: words.tooMany, body: said(words.tooMany, words.tryAgain) }, RETRY_AFTER);
}

/** A body of one statement: a heading and a sentence. */
export const said = (heading: string, lead: string, more?: string): Html => html`  <div class="box pad">
    <div role="status">
      <h1>${heading}</h1>
      <p class="lead">${lead}</p>
    </div>${more === undefined ? undefined : html`\n    <p>${more}</p>`}
  </div>`;
