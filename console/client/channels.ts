import type { VNode } from "preact";
import { classes, html } from "../../web/client/html.ts";
import { clock, counted } from "../../web/client/time.ts";
import type { ChannelNow, Now } from "../view-now.ts";
import { findLink, heads } from "./tables.ts";
import { CHANNEL_NAMES, lasted } from "./words.ts";

/** What waits longer than this for an attempt, in ms, is told apart: most failures are over by then. */
const HOT_MS = 60_000;

/** Per channel what became of what was accepted lately, and what waits, with why. */
export function Channels({ data }: { data: Now }): VNode {
  const due = data.outbox
    .filter(({ count }) => count > 0)
    .map((one) => `${one.notificationClass}: ${counted(one.count)} due, the oldest for ${lasted(one.oldestMs)}`);
  const of = data.checked
    ? `Accepted, sent, failed: of what was accepted since ${clock(data.checked.from)} UTC, as it was ${lasted(data.now - data.checked.at)} ago${data.checked.areAppsCut ? `, of the first ${counted(data.checked.apps)} apps of more` : ""}. `
    : "";
  return html`<section class="panel" aria-labelledby="channels">
    <header><h2 id="channels">Channels</h2><span class="faint">${of}Waiting: of at most 100,000 notifications of every app, those due first</span></header>
    <table role="table" class="stack now">
      ${heads(["Channel"], ["Accepted", "num"], ["Sent", "num"], ["Failed", "num"], ["Retrying", "num"], ["Waiting", "num"], ["Why it waits"], ["Oldest", "num"])}
      <tbody role="rowgroup">${data.channels.map((one) => html`<${Row} key=${one.channel} one=${one} data=${data} />`)}</tbody>
    </table>
    <footer><span>${due.length === 0 ? "Nothing is due in the outbox." : `Due in the outbox: ${due.join("; ")}.`}</span><span>${natsWords(data)}</span></footer>
  </section>`;
}

const natsWords = ({ isNatsConnected: is }: Now) => (is === undefined ? "" : is ? "NATS answers." : "NATS does not answer.");

function Row({ one, data: { checked, now } }: { one: ChannelNow; data: Now }): VNode {
  const { channel, recent, waiting, retrying, misconfigured, inDoubt, oldestAt } = one;
  const tried = retrying + misconfigured;
  const since = String(checked?.from ?? now);
  const state = (name: string) => recent?.states[name] ?? 0;
  const number = (count: number, filter: Record<string, string>, word = "") =>
    count === 0 ? html`<span class="dim">0</span>` : html`<a href=${findLink({ channel, ...filter })}>${counted(count)}${word}</a>`;
  const [out, failing] = [state("sent") + state("delivered"), state("failed") + state("expired")];
  const more = (count: number, filter: Record<string, string>, word: string) =>
    count > 0 ? html` <small class="nowrap">${number(count, filter, word)}</small>` : "";
  const cell = (label: string, content: unknown, style = "") =>
    html`<td role="cell" class=${classes("num", style)} data-label=${label}>${recent === undefined && label !== "Retrying" && label !== "Waiting" ? html`<span class="dim">…</span>` : content}</td>`;
  return html`<tr role="row" class=${tried > 0 && oldestAt !== undefined && now - oldestAt > HOT_MS ? "hot" : tried + inDoubt > 0 ? "warm" : undefined}>
    <th role="rowheader" scope="row" class="full">${CHANNEL_NAMES[channel]}</th>
    ${cell("Accepted", number(recent?.accepted ?? 0, { since }))}
    ${cell("Sent", html`${number(out, { since, state: "sent,delivered" })}${more(state("delivered"), { since, state: "delivered" }, " delivered")}`)}
    ${cell("Failed", failing === 0 ? html`<span class="dim">0</span>` : html`${state("failed") > 0 && number(state("failed"), { since, state: "failed" })}${more(state("expired"), { since, state: "expired" }, " expired")}`)}
    ${cell("Retrying", html`${retrying > 0 || misconfigured === 0 ? number(retrying, { waiting: "retry" }) : ""}${more(misconfigured, { waiting: "settings" }, " for settings")}`)}
    ${cell("Waiting", html`${number(waiting, { state: "pending" })}${more(inDoubt, { state: "uncertain" }, " in doubt")}`)}
    <td role="cell" class="full" data-label="Why it waits"><${WhyList} of=${one} /></td>
    <td role="cell" class="num nowrap" data-label="Oldest">${oldestAt === undefined ? html`<span class="dim">–</span>` : lasted(now - oldestAt)}</td>
  </tr>`;
}

/** The code with its detail; of several details how many have each. */
function Tags({ count, reason, details }: Pick<ChannelNow["why"][number], "count" | "reason" | "details">): VNode {
  const [only] = details;
  if (only === undefined) return html`<span class="tag">${reason}</span>`;
  if (only.count === count) return html`<span class="tag">${reason}: ${only.text}</span>`;
  return html`<span><span class="tag">${reason}</span>${details.map((one) => html` <span class="tag" key=${one.text}>${one.text}: ${counted(one.count)}</span>`)}</span>`;
}

const WhyList = ({ of: { channel, why } }: { of: ChannelNow }) =>
  why.length === 0
    ? html`<span class="dim">–</span>`
    : html`<ul class="why">${why.map(({ count, words, reason, isInDoubt, details }) => {
        const filter: Record<string, string> = isInDoubt ? { state: "uncertain" } : { state: "pending", ...(reason && { reason }) };
        return html`<li key=${`${reason} ${isInDoubt}`}><b>${counted(count)}</b> <span><a href=${findLink({ channel, ...filter })}>${words}</a> ${reason !== "" && html`<${Tags} count=${count} reason=${reason} details=${details} />`}</span></li>`;
      })}</ul>`;
