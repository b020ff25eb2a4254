import { Fragment, type VNode } from "preact";
import { useState } from "preact/hooks";
import { html } from "../../web/client/html.ts";
import { clock, counted, instant } from "../../web/client/time.ts";
import type { Me } from "../view.ts";
import type { AccountNow, Accounts } from "../view-accounts.ts";
import { CircuitMark, circuitWords } from "./circuits.ts";
import { Frame } from "./frame.ts";
import { Live, Status, useFresh } from "./fresh.ts";
import { steeredWords } from "./now.ts";
import { type Steering, SteeringDialog } from "./steering.ts";
import { heads, operatorButton } from "./tables.ts";
import { CHANNEL_NAMES, lasted, moment } from "./words.ts";

export function AccountsScreen({ me }: { me: Me }): VNode {
  const [steering, setSteering] = useState<Steering>();
  const fresh = useFresh<Accounts>("/api/accounts");
  const { data, staleSince } = fresh;
  const isOperator = me.role === "operator";
  return html`<${Frame} me=${me} title="Accounts" here="Accounts" keys=${{}} keyRows=${[]}>
    <div class="head"><h1>Accounts</h1><${Live} now=${data?.now} staleSince=${staleSince} /></div>
    <p class="dim">Accounts that a call, a circuit, a pause or an app's settings name. Credentials and rates are in the dispatchers' configuration, which the console does not read.</p>
    <${Status} of=${fresh} what="The accounts could not be read" />
    ${data !== undefined && html`<${Table} data=${data} isOperator=${isOperator} steer=${setSteering} />`}
    ${steering && html`<${SteeringDialog} steering=${steering} targets=${[]} areTargetsCut=${data?.isCut || data?.areAppsCut || false} close=${() => setSteering(undefined)} changed=${fresh.read} />`}
  <//>`;
}

interface TableProps {
  data: Accounts;
  isOperator: boolean;
  steer(steering: Steering): void;
}

function Table({ data, isOperator, steer }: TableProps): VNode {
  const { accounts, unseen, checked, checkFault, isCircuitsKnown, isCut, areAppsCut } = data;
  const unseenNames = unseen.map(({ channel, provider }) => `${provider} (${CHANNEL_NAMES[channel]})`).join(", ");
  return html`<section class="panel" aria-labelledby="accounts">
    <header><h2 id="accounts">${counted(accounts.length)} ${accounts.length === 1 ? "account" : "accounts"}</h2>
      <span class="faint">${checked ? `Calls: of what was accepted since ${clock(checked.from)} UTC` : "Calls are being counted"}</span></header>
    ${checkFault !== "" && html`<p class="body" role="alert"><span class="state warn">Calls could not be counted</span> ${checkFault}</p>`}
    ${!isCircuitsKnown && html`<p class="body"><span class="state warn">Circuits not known</span> Redis, where dispatchers share them, cannot be read.</p>`}
    ${
      accounts.length === 0
        ? html`<div class="empty"><p>Nothing names an account yet: nothing was sent in the last minutes.</p></div>`
        : html`<table role="table" class="stack accounts">
      ${heads(["Account"], ["Circuits"], ["Calls", "num"], ["Taken", "num"], ["Last call (UTC)"], ["Paused or drained"], [""])}
      <tbody role="rowgroup">${accounts.map((one) => html`<${Row} key=${`${one.provider}/${one.account}`} one=${one} data=${data} isOperator=${isOperator} steer=${steer} />`)}</tbody>
    </table>`
    }
    ${isCut && html`<footer><span>The first ${counted(accounts.length)} accounts of more.</span></footer>`}
    ${areAppsCut && html`<footer><span>Of more apps than the console reads: accounts that only the settings of others name are missing.</span></footer>`}
    ${unseenNames !== "" && html`<footer><span>Not seen: ${unseenNames}</span></footer>`}
  </section>`;
}

function Row({ one, data: { now, isCircuitsKnown, providers }, isOperator, steer }: TableProps & { one: AccountNow }): VNode {
  const name = `${one.provider}/${one.account}`;
  const { calls, steered } = one;
  const hasOther = providers.some(({ channel, provider }) => channel === one.channel && provider !== one.provider);
  const circuits = !isCircuitsKnown
    ? html`<span class="dim">–</span>`
    : one.circuits.length === 0
      ? html`<span class="state ok">Closed</span>`
      : html`<ul class="stack-v">${one.circuits.map(
          (circuit) =>
            html`<li key=${circuit.part}><${CircuitMark} state=${circuit.state} /> ${circuit.part === "account" ? "" : html`<b>${circuit.part}</b> `}since <time class="mono" datetime=${instant(circuit.since)}>${moment(circuit.since, now)}</time>. ${circuitWords(circuit, now)}</li>`,
        )}</ul>`;
  const isSteered = steered !== undefined && steered.state !== "resumed";
  return html`<tr role="row">
    <th role="rowheader" scope="row" class="full">${name} <small>${CHANNEL_NAMES[one.channel]}${one.apps.length > 0 ? `, of ${one.apps.join(", ")}` : ""}</small></th>
    <td role="cell" class="full" data-label="Circuits">${circuits}</td>
    <td role="cell" class="num" data-label="Calls">${counted(calls?.made ?? 0)}</td>
    <td role="cell" class="num" data-label="Taken">${calls ? counted(calls.accepted) : html`<span class="dim">–</span>`}</td>
    <td role="cell" class="nowrap" data-label="Last call (UTC)">${calls ? html`<time class="mono" datetime=${instant(calls.lastAt)}>${clock(calls.lastAt)}</time>, ${lasted(now - calls.lastAt)} ago` : html`<span class="dim">none lately</span>`}</td>
    <td role="cell" class="full" data-label="Paused or drained">${
      steered
        ? html`<span class=${`state ${isSteered ? "warn" : ""}`}>${steeredWords(steered)}</span> <b>${steered.actor}</b>, <time class="mono" datetime=${instant(steered.at)}>${moment(steered.at, now)}</time> <span class="dim">“${steered.reason}”</span>`
        : html`<span class="dim">No</span>`
    }</td>
    <td role="cell" class="num"><div class="actions">${
      isSteered
        ? operatorButton(isOperator, "Resume…", () => steer({ action: "resume", target: steered.target }))
        : html`<${Fragment}>${operatorButton(isOperator, "Pause…", () => steer({ action: "pause", target: `account:${name}` }))}
          ${hasOther && operatorButton(isOperator, "Drain…", () => steer({ action: "drain", account: name }))}<//>`
    }</div></td>
  </tr>`;
}
