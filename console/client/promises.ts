import type { VNode } from "preact";
import { html } from "../../web/client/html.ts";
import { clock, counted } from "../../web/client/time.ts";
import type { Now, PromiseNow } from "../view-now.ts";
import { lasted, NotificationLinks } from "./words.ts";

const WORDS: Readonly<Record<PromiseNow["state"], readonly [mark: string, word: string]>> = {
  held: ["ok", "Held"],
  broken: ["bad", "Broken"],
  unchecked: ["", "Not checked"],
};

/** In a fixed order, so that people learn the place. */
export function Promises({ data: { promises, checked, checkFault, now } }: { data: Now }): VNode {
  const age =
    checked &&
    `Checked ${lasted(now - checked.at)} ago: the ${counted(checked.notifications)} notifications accepted since ${clock(checked.from)} UTC, no older ones${checked.areAppsCut ? `, of the first ${counted(checked.apps)} apps of more` : ""}`;
  return html`<section class="panel" aria-labelledby="promises">
    <header><h2 id="promises">Promises</h2><span class="faint">${age ?? "Being checked"}</span></header>
    ${checkFault !== "" && html`<p class="body" role="alert"><span class="state warn">The last check failed</span> ${checkFault}</p>`}
    <ul class="promises">${promises.map((one) => html`<${One} key=${one.title} one=${one} />`)}</ul>
    <footer><span>Everything that is stored: <code>carillon audit</code></span></footer>
  </section>`;
}

const One = ({ one: { title, state, words, examples } }: { one: PromiseNow }) =>
  html`<li><span class=${`state ${WORDS[state][0]}`}>${WORDS[state][1]}</span><h3>${title}</h3>
    <p class="dim">${words}${examples.length > 0 && html`. <${NotificationLinks} ids=${examples} />`}</p></li>`;
