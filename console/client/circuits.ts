import type { VNode } from "preact";
import { html } from "../../web/client/html.ts";
import { counted, instant } from "../../web/client/time.ts";
import type { CircuitNow, Now } from "../view-now.ts";
import { heads } from "./tables.ts";
import { CHANNEL_NAMES, inTime, moment } from "./words.ts";

export const CircuitMark = ({ state }: Pick<CircuitNow, "state">): VNode =>
  html`<span class=${`state ${state === "open" ? "bad" : "warn"}`}>${state === "open" ? "Open" : "Half-open"}</span>`;

/** Why a circuit is not closed, and what comes next. */
export const circuitWords = ({ words, tag, state, until }: CircuitNow, now: number): VNode =>
  html`<span>${words}. ${state === "open" ? `The next probe ${inTime(until, now)}` : "The next delivery is the probe"} <span class="tag">${tag}</span></span>`;

export function Circuits({ data: { circuits, now } }: { data: Now }): VNode {
  const closed = circuits && `${counted(circuits.closed)} closed`;
  return html`<section class="panel" aria-labelledby="circuits">
    <header><h2 id="circuits">Circuit breakers</h2><span class="faint">${closed}</span></header>
    ${
      circuits === undefined
        ? html`<div class="empty"><span class="state warn">Not known</span><p>Redis, where dispatchers share them, cannot be read. Dispatchers go on, each by what it sees itself.</p></div>`
        : circuits.notClosed.length === 0
          ? html`<div class="empty"><span class="state ok">Closed</span><p>No circuit is open: every account that was called lately answers.</p></div>`
          : html`<table role="table" class="stack">
      ${heads(["Account"], ["State"], ["Since (UTC)"], ["Why"])}
      <tbody role="rowgroup">${circuits.notClosed.map(
        (one) => html`<tr role="row" key=${`${one.account} ${one.part}`}>
          <th role="rowheader" scope="row">${CHANNEL_NAMES[one.channel]} · ${one.account}${one.part === "account" ? "" : html` <small>${one.part}</small>`}</th>
          <td role="cell"><${CircuitMark} state=${one.state} /></td>
          <td role="cell" class="mono nowrap" data-label="Since (UTC)"><time datetime=${instant(one.since)}>${moment(one.since, now)}</time></td>
          <td role="cell" class="full" data-label="Why">${circuitWords(one, now)}</td>
        </tr>`,
      )}</tbody></table>`
    }
    <footer><a href="/accounts">All accounts</a></footer>
  </section>`;
}
