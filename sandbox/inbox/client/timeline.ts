import { Fragment, type VNode } from "preact";
import { html } from "../../../web/client/html.ts";
import { clockMs, instant } from "../../../web/client/time.ts";
import type { Timeline } from "../view.ts";

/** Why there is less than all. */
const GAPS: Readonly<Record<Timeline["sender"], string>> = {
  known: "",
  unknown: "The sender does not know this delivery, so this is only what the sandbox saw.",
  "not-connected": "This sandbox cannot ask the sender, so this is only what the sandbox saw. In “make up” the two are connected.",
  failed: "The sender did not answer, so this is only what the sandbox saw. It is asked again at the next event.",
};

export function TimelineView({ timeline }: { timeline: Timeline | undefined }): VNode {
  if (timeline === undefined) return html`<p class="faint">…</p>`;
  const { sender, history, events } = timeline;
  return html`<${Fragment}>
    ${history !== undefined && html`<p class="dim">${history.state.sentence}</p>`}
    ${GAPS[sender] !== "" && html`<p class="faint">${GAPS[sender]}</p>`}
    <p class="sr">Times are UTC, the latest first.</p>
    <ol class="timeline">
      ${events.map(
        ({ at, title, detail, mark }, i) =>
          html`<li class=${mark || undefined} key=${`${at} ${i}`}><time datetime=${instant(at)}>${clockMs(at)}</time><div class="t"><b>${title}</b></div>
            ${detail !== "" && html`<p>${detail}</p>`}</li>`,
      )}
    </ol>
  <//>`;
}
