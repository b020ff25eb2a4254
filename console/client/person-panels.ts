import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { classes, html } from "../../web/client/html.ts";
import { instant } from "../../web/client/time.ts";
import type { HistoryEntry, PersonQuestion, PersonView } from "../person-view.ts";
import { Mark, moment } from "./words.ts";

/** Changes shown before "Show all". */
const SHOWN = 20;

const heads = (names: readonly string[]) =>
  html`<thead role="rowgroup"><tr role="row">${names.map((name) => html`<th role="columnheader" scope="col" key=${name}>${name === "" ? html`<span class="sr">Action</span>` : name}</th>`)}</tr></thead>`;

/** A moment without milliseconds, which a history of years does not need. */
const toSeconds = (at: number) => moment(at).slice(0, -".000".length);

const NEEDS_OPERATOR = "Needs the role operator";

interface MatrixProps {
  person: PersonView;
  isOperator: boolean;
  undo(): void;
}

export function MatrixPanel({ person: { channels, matrix, version, optOuts }, isOperator, undo }: MatrixProps): VNode {
  return html`<section class="panel" aria-labelledby="prefs">
    <header><h2 id="prefs">Opt-outs</h2><span class="faint">What is sent today, per category and channel. ${version === 0 ? "No choices yet" : `Version ${version}`}</span></header>
    <table role="table" class="stack matrix">
      ${heads(["Category", ...channels.map(({ name }) => name)])}
      <tbody role="rowgroup">${matrix.map(
        ({ category, rule, cells }) => html`<tr role="row" key=${category}>
          <th role="rowheader" scope="row" class="full">${category === "*" ? "every other category" : category} <small>${rule}</small></th>
          ${cells.map(({ state, why }, i) => html`<td role="cell" key=${channels[i]?.channel} data-label=${channels[i]?.name}><span class=${`state bare ${state.mark}`}>${state.word}</span> <small class="faint">${why}</small></td>`)}
        </tr>`,
      )}</tbody>
    </table>
    <footer><span>A block holds whatever is chosen. STOP ends by START from that number; a block is lifted by an operator, with evidence.</span>
      ${optOuts.length > 0 && html`<div class="actions"><button type="button" disabled=${!isOperator} title=${isOperator ? undefined : NEEDS_OPERATOR} aria-describedby=${isOperator ? undefined : "undo-why"} onClick=${undo}>Undo an opt-out…</button>${!isOperator && html`<span class="faint" id="undo-why">needs the role operator</span>`}</div>`}</footer>
  </section>`;
}

export function HistoryPanel({ person: { isHistoryCut }, entries }: { person: PersonView; entries: readonly HistoryEntry[] }): VNode {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? entries : entries.slice(0, SHOWN);
  return html`<section class="panel" aria-labelledby="hist">
    <header><h2 id="hist">History of opt-outs</h2><span class="faint">UTC, latest first</span></header>
    ${
      entries.length === 0
        ? html`<div class="empty"><p>Nothing was ever chosen, and nothing blocked.</p></div>`
        : html`<ol class="timeline dates">${shown.map(
            (one) => html`<li class=${one.mark || undefined} key=${`${one.endpoint} ${one.version} ${one.at}`}>
            <time datetime=${instant(one.at)}>${toSeconds(one.at)}</time>
            <div class="t"><b>${one.changes.join("; ")}</b></div>
            <p class="text">${originWords(one)}</p></li>`,
          )}</ol>`
    }
    ${
      (entries.length > shown.length || isHistoryCut) &&
      html`<footer>${entries.length > shown.length && html`<button type="button" onClick=${() => setWhole(true)}>Show all ${entries.length}</button>`}
      ${isHistoryCut && html`<span>The latest ${entries.length} of more. Older changes: carillon preferences history</span>`}</footer>`
    }
  </section>`;
}

const originWords = ({ actor, source, evidence, endpoint, version }: HistoryEntry) =>
  [
    endpoint === "" ? "The person's choice" : `Of the endpoint ${endpoint}`,
    actor === "" ? "" : `by ${actor}`,
    source === "" ? "" : `how: ${source}`,
    `version ${version}`,
  ]
    .filter(Boolean)
    .join(", ") + (evidence === "" ? "." : `. Evidence: “${evidence}”`);

interface EndpointsProps {
  person: PersonView;
  /** Revealed, by id; undefined: they are masked. */
  shown: Record<string, string> | undefined;
  isOperator: boolean;
  lift(endpoint: string): void;
}

export function EndpointsPanel({ person: { endpoints, isEndpointsCut }, shown, isOperator, lift }: EndpointsProps): VNode {
  const hasBlocks = endpoints.some(({ blocks }) => blocks.length > 0);
  return html`<section class="panel" aria-labelledby="ends">
    <header><h2 id="ends">Endpoints</h2><span class="faint">${shown === undefined ? "masked" : "revealed until this page is left"}</span></header>
    ${
      endpoints.length === 0
        ? html`<div class="empty"><p>No endpoint is registered: a send to this user is suppressed. The app registers them.</p></div>`
        : html`<table role="table" class="stack">
      ${heads(["Channel", "Endpoint", "State", "Last sent (UTC)", ...(hasBlocks ? [""] : [])])}
      <tbody role="rowgroup">${endpoints.map(
        (one) => html`<tr role="row" key=${one.id}>
          <th role="rowheader" scope="row" class="nowrap">${one.channelName}</th>
          <td role="cell" class=${shown === undefined ? undefined : "full"} data-label="Endpoint"><span class=${classes("mono", shown !== undefined && "text")}>${shown?.[one.id] ?? one.endpoint}</span> ${one.label !== "" && html`<small class="faint">${one.label}</small>`}</td>
          <td role="cell"><span class=${`state bare ${one.state.mark}`}>${one.state.word}</span></td>
          <td role="cell" class="mono" data-label="Last sent (UTC)">${one.lastSentAt === undefined ? "–" : html`<time datetime=${instant(one.lastSentAt)}>${moment(one.lastSentAt)}</time>`}</td>
          ${hasBlocks && html`<td role="cell" class="num">${one.blocks.length > 0 && html`<button type="button" disabled=${!isOperator} title=${isOperator ? undefined : NEEDS_OPERATOR} onClick=${() => lift(one.id)}>Lift…</button>`}</td>`}
        </tr>`,
      )}</tbody>
    </table>`
    }
    ${isEndpointsCut && html`<footer><span>The first ${endpoints.length} endpoints of more.</span></footer>`}
  </section>`;
}

export function RecentPanel({ person: { recent, now }, about }: { person: PersonView; about: PersonQuestion }): VNode {
  return html`<section class="panel" aria-labelledby="recent">
    <header><h2 id="recent">Recent notifications</h2><a href=${`/find#${new URLSearchParams({ app: about.app, user: about.user })}`}>All of this person's</a></header>
    ${
      recent.length === 0
        ? html`<div class="empty"><p>None is stored to this user.</p></div>`
        : html`<table role="table" class="stack recent">
      ${heads(["Accepted (UTC)", "Category", "What became of it"])}
      <tbody role="rowgroup">${recent.map(
        (one) => html`<tr role="row" class="link" key=${one.id}>
          <td role="cell" class="mono nowrap"><a href=${`/notifications/${one.id}`}><time datetime=${instant(one.acceptedAt)}>${moment(one.acceptedAt, now)}</time></a></td>
          <td role="cell" data-label="Category">${one.category} <span class="faint">${one.notificationClass}</span></td>
          <td role="cell" class="full">${one.states.map(({ state, count }) => html`<${Mark} key=${state.word} state=${state} count=${count} /> `)}${one.why !== "" && html`<br /><small class="faint">${one.why}</small>`}</td>
        </tr>`,
      )}</tbody>
    </table>`
    }
  </section>`;
}
