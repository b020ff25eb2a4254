import type { VNode } from "preact";
import { html } from "../../web/client/html.ts";
import { counted } from "../../web/client/time.ts";
import type { Now } from "../view-now.ts";
import { findLink, heads, operatorButton } from "./tables.ts";

interface BusiestProps {
  data: Now;
  isOperator: boolean;
  pause(target: string): void;
}

/** The apps with the most open notifications: one that floods stands first, with the button that stops it. */
export function Busiest({ data: { busiest, busy, isBusyCut, steering }, isOperator, pause }: BusiestProps): VNode {
  const isPaused = (app: string) => steering.some(({ target, state }) => target === `app:${app}` && state === "paused");
  return html`<section class="panel" aria-labelledby="busiest">
    <header><h2 id="busiest">Apps with the most open</h2><span class="faint">${counted(busy)} with something open${isBusyCut ? ", of the first 1,000 by name" : ""}</span></header>
    ${
      busiest === undefined
        ? html`<div class="empty"><p>They are being counted.</p></div>`
        : busiest.length === 0
          ? html`<div class="empty"><p>No app has anything open.</p></div>`
          : html`<table role="table" class="stack">
      ${heads(["App"], ["Open notifications", "num"], [""])}
      <tbody role="rowgroup">${busiest.map(
        ({ app, open, isCut }) => html`<tr role="row" key=${app}>
          <th role="rowheader" scope="row">${app}</th>
          <td role="cell" class="num" data-label="Open notifications"><a href=${findLink({ app, state: "pending" })}>${counted(open)}${isCut ? " or more" : ""}</a></td>
          <td role="cell" class="num">${isPaused(app) ? html`<span class="state warn">Paused</span>` : operatorButton(isOperator, "Pause…", () => pause(`app:${app}`))}</td>
        </tr>`,
      )}</tbody></table>`
    }
    <footer><a href="/apps">All apps</a></footer>
  </section>`;
}
