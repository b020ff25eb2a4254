import { type Html, html } from "../../runtime/http/html.ts";
import type { HttpResponse } from "../../runtime/http/server.ts";
import type { Language } from "./language.ts";
import { type BrandView, pageAnswer } from "./layout.ts";
import { said } from "./said-pages.ts";
import { SCOPES, type Scope, type Subject, UNSUBSCRIBE_WORDS } from "./unsubscribe-words.ts";

/** Where a mail's link to unsubscribe leads, and the answers to its form. */
export interface UnsubscribeView extends Subject {
  language: Language;
  brand: BrandView;
  /** Path of the page of all choices; undefined: the link opens none. */
  settings: string | undefined;
}

/** The question; opening it changed nothing. */
export function confirmPage(view: UnsubscribeView): HttpResponse {
  const words = UNSUBSCRIBE_WORDS[view.language];
  const title = words.ask(view);
  const choice = (scope: Scope, isChosen: boolean): Html => {
    const [label, more] = words.scope[scope](view);
    const checked = isChosen ? html` checked` : undefined;
    const below = more === "" ? undefined : html`<br><small>${more}</small>`;
    return html`      <label><input type="radio" name="scope" value="${scope}"${checked}><span>${label}${below}</span></label>\n`;
  };
  const body = html`  <form class="box pad" method="post">
    <div>
      <h1>${title}</h1>
      <p class="lead">${words.nothingChanged(view)}</p>
    </div>
    <fieldset class="radios">
      <legend class="sr">${words.whatToStop}</legend>
${SCOPES.map((scope, i) => choice(scope, i === 0))}    </fieldset>
    <div class="row">
      <button class="go" type="submit">${words.unsubscribe}</button>${settingsLink(view)}
    </div>
  </form>
  <p class="hint">${words.takesEffect(view.settings !== undefined)}</p>`;
  return pageAnswer(200, { ...view, title, body, footer: html`<p>${words.notYours}</p>` });
}

/** What is true now. @param undo the version that can be taken back; undefined: none */
export function donePage(view: UnsubscribeView, scope: Scope, undo: number | undefined): HttpResponse {
  const words = UNSUBSCRIBE_WORDS[view.language];
  const takeBack =
    undo === undefined
      ? undefined
      : html`<input type="hidden" name="undo" value="${String(undo)}">
      <button type="submit">${words.undo}</button>`;
  const body = html`  <div class="box pad">
    <div role="status">
      <h1>${words.done}</h1>
      <p class="lead">${words.refused[scope](view)}</p>
    </div>
    <form class="row" method="post">
      ${takeBack}${settingsLink(view)}
    </form>
  </div>
  <p class="hint">${words.kept}</p>`;
  return pageAnswer(200, { ...view, title: words.done, body });
}

export function undonePage(view: UnsubscribeView): HttpResponse {
  const words = UNSUBSCRIBE_WORDS[view.language];
  return pageAnswer(200, { ...view, title: words.undone, body: said(words.undone, words.asBefore) });
}

/** Nothing was taken back. */
export function notUndonePage(view: UnsubscribeView): HttpResponse {
  const words = UNSUBSCRIBE_WORDS[view.language];
  const body = html`  <div class="box pad">
    <div role="status">
      <h1>${words.notUndone}</h1>
      <p class="lead">${words.changedSince}</p>
    </div>
    <div class="row">${settingsLink(view)}
    </div>
  </div>`;
  return pageAnswer(409, { ...view, title: words.notUndone, body });
}

/** Relative, because a proxy may have cut off the path of the public URL. */
const settingsLink = ({ language, settings }: UnsubscribeView): Html | undefined =>
  settings === undefined ? undefined : html`\n      <a href="..${settings}">${UNSUBSCRIBE_WORDS[language].allSettings}</a>`;
