import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { html } from "../../web/client/html.ts";
import { counted, instant } from "../../web/client/time.ts";
import type { Me } from "../view.ts";
import type { Now, Steered } from "../view-now.ts";
import { Busiest } from "./busiest.ts";
import { Channels } from "./channels.ts";
import { Circuits } from "./circuits.ts";
import { Frame } from "./frame.ts";
import { Live, Status, useFresh } from "./fresh.ts";
import { Incidents } from "./incidents.ts";
import { Promises } from "./promises.ts";
import { type Steering, SteeringDialog } from "./steering.ts";
import { heads, operatorButton } from "./tables.ts";
import { moment } from "./words.ts";

const KEYS = [[["p"], "pause"]] as const;

export function NowScreen({ me }: { me: Me }): VNode {
  const [steering, setSteering] = useState<Steering>();
  const fresh = useFresh<Now>("/api/now");
  const { data, staleSince } = fresh;
  const isOperator = me.role === "operator";
  const steer = (next: Steering) => isOperator && setSteering(next);
  const pause = () => steer({ action: "pause", target: "" });
  const drain = isOperator ? (account: string) => steer({ action: "drain", account }) : undefined;
  const resume = isOperator ? (target: string) => steer({ action: "resume", target }) : undefined;
  return html`<${Frame} me=${me} title="Now" here="Now" keys=${{ p: pause }} keyRows=${KEYS}>
    <div class="head">
      <h1>Now</h1>
      <${Live} now=${data?.now} staleSince=${staleSince} />
      <div class="actions">
        ${operatorButton(isOperator, html`Pause… <kbd>p</kbd>`, pause)}
        ${operatorButton(isOperator, "Make due…", () => steer({ action: "reevaluate", channel: "" }))}
      </div>
    </div>
    <${Status} of=${fresh} what="The system's state could not be read" />
    ${
      data !== undefined &&
      html`<${Incidents} data=${data} drain=${drain} resume=${resume} />
      <p class="lead">${leadOf(data)} ${failedOf(data)}</p>
      <${Promises} data=${data} /><${Channels} data=${data} />
      <div class="cols"><${Circuits} data=${data} /><${Busiest} data=${data} isOperator=${isOperator} pause=${(target: string) => steer({ action: "pause", target })} /></div>
      <${Pauses} data=${data} isOperator=${isOperator} resume=${(target: string) => steer({ action: "resume", target })} />
      <${Actions} data=${data} />`
    }
    ${steering && html`<${SteeringDialog} steering=${steering} targets=${data?.targets ?? []} areTargetsCut=${data?.areTargetsCut ?? false} close=${() => setSteering(undefined)} changed=${fresh.read} />`}
  <//>`;
}

function leadOf({ channels, steering }: Now): string {
  const waiting = channels.reduce((sum, one) => sum + one.waiting, 0);
  const inDoubt = channels.reduce((sum, one) => sum + one.inDoubt, 0);
  const paused = steering.filter(({ state }) => state === "paused").length;
  return [
    waiting === 0 ? "Nothing waits." : `${counted(waiting)} ${waiting === 1 ? "delivery waits" : "deliveries wait"}.`,
    inDoubt > 0 ? `${counted(inDoubt)} in doubt.` : "",
    paused > 0 ? `${paused} ${paused === 1 ? "target is" : "targets are"} paused.` : "",
  ]
    .filter(Boolean)
    .join(" ");
}

function failedOf({ failed, isFailedCut }: Now): VNode | string {
  if (failed === undefined) return "";
  if (failed === 0) return "Nothing failed in the last 24 h.";
  const words = `${counted(failed)}${isFailedCut ? " or more" : ""} ${failed === 1 ? "notification has" : "notifications have"} a delivery that failed`;
  return html`<a href="/dead-letters">${words}</a> in the last 24 h.`;
}

interface PausesProps {
  data: Now;
  isOperator: boolean;
  resume(target: string): void;
}

export const steeredWords = ({ state: now, to, until }: Steered): string =>
  `${now === "drained" ? `Drained to ${to}` : now === "paused" ? "Paused" : "Being resumed"}${until === undefined ? "" : ` until ${moment(until)}`}`;

function Pauses({ data: { steering }, isOperator, resume }: PausesProps): VNode {
  return html`<section class="panel" aria-labelledby="paused">
    <header><h2 id="paused">Paused or drained</h2></header>
    ${
      steering.length === 0
        ? html`<div class="empty"><p>Nothing is paused or drained.</p></div>`
        : html`<table role="table" class="stack">
      ${heads(["Target"], ["State"], ["By whom, and why"], [""])}
      <tbody role="rowgroup">${steering.map(
        (one) => html`<tr role="row" key=${one.target}>
          <th role="rowheader" scope="row">${one.target}</th>
          <td role="cell"><span class=${`state ${one.state === "resumed" ? "" : "warn"}`}>${steeredWords(one)}</span></td>
          <td role="cell" class="full"><b>${one.actor}</b>, <time class="mono" datetime=${instant(one.at)}>${moment(one.at)}</time> <span class="dim">“${one.reason}”</span></td>
          <td role="cell" class="num">${operatorButton(isOperator && one.state !== "resumed", "Resume…", () => resume(one.target))}</td>
        </tr>`,
      )}</tbody></table>`
    }
  </section>`;
}

const Actions = ({ data: { actions } }: { data: Now }): VNode =>
  html`<section class="panel" aria-labelledby="log">
    <header><h2 id="log">Who changed what</h2><span class="faint">the latest ${actions.length}</span></header>
    ${
      actions.length === 0
        ? html`<div class="empty"><p>No operator has changed anything yet.</p></div>`
        : html`<table role="table" class="stack">
      ${heads(["At (UTC)"], ["Change and reason"])}
      <tbody role="rowgroup">${actions.map(
        (
          one,
        ) => html`<tr role="row" key=${`${one.at} ${one.action} ${one.target}`}><td role="cell" class="mono nowrap"><time datetime=${instant(one.at)}>${moment(one.at)}</time></td>
          <td role="cell" class="full text"><b>${one.actor}</b> ${one.action} ${one.target}: ${one.result}. <span class="dim">“${one.reason}”</span></td></tr>`,
      )}</tbody></table>`
    }
  </section>`;
