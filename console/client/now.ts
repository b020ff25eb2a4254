import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Dialog } from "../../web/client/dialog.ts";
import { html } from "../../web/client/html.ts";
import { sendJson, useJson } from "../../web/client/load.ts";
import { clock, counted, instant } from "../../web/client/time.ts";
import type { ChannelNow, Me, Now, Steered, SteerOrder } from "../view.ts";
import { Reason, said, useOrder } from "./actions.ts";
import { Frame } from "./frame.ts";
import { CHANNEL_NAMES, moment } from "./words.ts";

/** Between two readings, in ms. */
const READ_MS = 5_000;
const KEYS = [[["p"], "pause"]] as const;

export function NowScreen({ me }: { me: Me }): VNode {
  const [revision, setRevision] = useState(0);
  const [dialog, setDialog] = useState<{ action: "pause" | "resume"; target: string }>();
  const { data, isSlow, fault, again } = useJson<Now>("/api/now", revision);
  useEffect(() => {
    const timer = setInterval(() => setRevision((n) => n + 1), READ_MS);
    return () => clearInterval(timer);
  }, []);
  const isOperator = me.role === "operator";
  const open = () => isOperator && setDialog({ action: "pause", target: "channel:sms" });
  return html`<${Frame} me=${me} title="Now" here="Now" keys=${{ p: open }} keyRows=${KEYS}>
    <div class="head">
      <h1>Now</h1>
      ${data !== undefined && fault === undefined && html`<span class="live">Read at <time datetime=${instant(data.now)}>${clock(data.now)}</time> UTC, every 5 s</span>`}
      <div class="actions"><button type="button" disabled=${!isOperator} title=${isOperator ? undefined : "Needs the role operator"} onClick=${open}>Pause… <kbd>p</kbd></button></div>
    </div>
    ${fault !== undefined && html`<div class="banner" role="alert"><h2>The store could not be read</h2><p>${fault}. Sending goes on as far as it can. ${data && html`What is shown is of ${clock(data.now)} UTC.`}</p><div class="actions"><button type="button" onClick=${again}>Try again now</button></div></div>`}
    ${isSlow && html`<div class="stack-v" aria-busy="true"><span class="sr">Loading</span><span class="bone w1"></span><span class="bone w2"></span></div>`}
    ${
      data !== undefined &&
      html`<p class="lead">${leadOf(data)}</p><${Channels} data=${data} />
      <div class="cols"><${Pauses} data=${data} isOperator=${isOperator} resume=${(target: string) => setDialog({ action: "resume", target })} /><${Actions} data=${data} /></div>`
    }
    ${dialog && html`<${SteerDialog} ...${dialog} close=${() => setDialog(undefined)} changed=${() => setRevision((n) => n + 1)} />`}
  <//>`;
}

function leadOf({ channels, steering, failed, isFailedCut }: Now): string {
  const waiting = channels.reduce((sum, one) => sum + one.waiting, 0);
  const inDoubt = channels.reduce((sum, one) => sum + one.inDoubt, 0);
  const paused = steering.filter(({ state }) => state === "paused").length;
  return [
    waiting === 0 ? "Nothing waits." : `${counted(waiting)} ${waiting === 1 ? "delivery waits" : "deliveries wait"}.`,
    inDoubt > 0 ? `${counted(inDoubt)} in doubt.` : "",
    paused > 0 ? `${paused} ${paused === 1 ? "target is" : "targets are"} paused.` : "",
    failed === 0
      ? "Nothing failed in the last 24 h."
      : `${counted(failed)}${isFailedCut ? " or more" : ""} ${failed === 1 ? "notification" : "notifications"} failed in the last 24 h.`,
  ]
    .filter(Boolean)
    .join(" ");
}

const heads = (...names: (readonly [name: string, style?: string])[]) =>
  html`<thead role="rowgroup"><tr role="row">${names.map(([name, style]) => html`<th role="columnheader" scope="col" key=${name} class=${style}>${name}</th>`)}</tr></thead>`;

function Channels({ data }: { data: Now }): VNode {
  const due = data.outbox
    .filter(({ count }) => count > 0)
    .map((one) => `${one.notificationClass}: ${counted(one.count)} due, the oldest for ${Math.round(one.oldestMs / 1_000)} s`);
  return html`<section class="panel" aria-labelledby="channels">
    <header><h2 id="channels">Channels</h2><span class="faint">What is open of every app: of at most 100,000 notifications, those that are due first</span></header>
    <table role="table" class="stack">
      ${heads(["Channel"], ["Waiting", "num"], ["In doubt", "num"], ["Why it waits"])}
      <tbody role="rowgroup">${data.channels.map(
        (one) => html`<tr role="row" key=${one.channel}>
          <th role="rowheader" scope="row">${CHANNEL_NAMES[one.channel]}</th>
          <td role="cell" class="num" data-label="Waiting">${counted(one.waiting)}</td>
          <td role="cell" class="num" data-label="In doubt">${counted(one.inDoubt)}</td>
          <td role="cell" class="full" data-label="Why it waits"><${WhyList} of=${one} /></td>
        </tr>`,
      )}</tbody>
    </table>
    <footer><span>${due.length === 0 ? "Nothing is due in the outbox." : `Due in the outbox: ${due.join("; ")}.`}</span></footer>
  </section>`;
}

const WhyList = ({ of: { channel, why } }: { of: ChannelNow }) =>
  why.length === 0
    ? html`<span class="dim">–</span>`
    : html`<ul class="why">${why.map(({ count, words, reason, isInDoubt }) => {
        const query = new URLSearchParams({
          channel,
          ...(isInDoubt ? { state: "uncertain" } : { state: "pending", ...(reason && { reason }) }),
        } as Record<string, string>);
        return html`<li key=${words}><b>${counted(count)}</b> <span><a href=${`/find#${query}`}>${words}</a> ${reason !== "" && html`<span class="tag">${reason}</span>`}</span></li>`;
      })}</ul>`;

interface PausesProps {
  data: Now;
  isOperator: boolean;
  resume(target: string): void;
}

function Pauses({ data: { steering }, isOperator, resume }: PausesProps): VNode {
  const state = ({ state: now, to, until }: Steered) =>
    `${now === "drained" ? `Drained to ${to}` : now === "paused" ? "Paused" : "Being resumed"}${until === undefined ? "" : ` until ${moment(until)}`}`;
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
          <td role="cell"><span class=${`state ${one.state === "resumed" ? "" : "warn"}`}>${state(one)}</span></td>
          <td role="cell" class="full"><b>${one.actor}</b>, <time class="mono" datetime=${instant(one.at)}>${moment(one.at)}</time> <span class="dim">“${one.reason}”</span></td>
          <td role="cell" class="num"><button type="button" disabled=${!isOperator || one.state === "resumed"} onClick=${() => resume(one.target)}>Resume…</button></td>
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
        ) => html`<tr role="row" key=${`${one.at} ${one.target}`}><td role="cell" class="mono nowrap"><time datetime=${instant(one.at)}>${moment(one.at)}</time></td>
          <td role="cell" class="full text"><b>${one.actor}</b> ${one.action} ${one.target}: ${one.result}. <span class="dim">“${one.reason}”</span></td></tr>`,
      )}</tbody></table>`
    }
  </section>`;

const TARGETS = [
  ...Object.entries(CHANNEL_NAMES).map(([value, name]) => [`channel:${value}`, name] as const),
  ...["critical", "transactional", "marketing"].map((name) => [`class:${name}`, `Class ${name}`] as const),
];

interface SteerProps {
  action: "pause" | "resume";
  target: string;
  close(): void;
  changed(): void;
}

function SteerDialog({ action, target: first, close, changed }: SteerProps): VNode {
  const [target, setTarget] = useState(first);
  const [reason, setReason] = useState("");
  const { result, fault, isBusy, run } = useOrder<{ said: string }>();
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const answer = await sendJson<{ said: string }>("POST", `/api/${action}`, { target, reason } satisfies SteerOrder);
      changed();
      return answer;
    });
  };
  const isPause = action === "pause";
  if (result !== undefined)
    return html`<${Dialog} title="Done" close=${close}><p role="status">${result.said}</p><div class="actions"><button type="button" onClick=${close}>Close</button></div><//>`;
  return html`<${Dialog} title=${isPause ? "Pause" : `Resume ${target}?`} close=${close}>
    <p>${isPause ? "Nothing of it is sent from within 5 s on, what is critical neither. What is accepted waits, and expires when its time is over." : "What waited is made due at once."}</p>
    <form class="stack-v" onSubmit=${submit}>
      ${isPause && html`<p class="field"><label for="target">What to pause</label><select id="target" value=${target} onChange=${(event: Event) => setTarget((event.target as HTMLSelectElement).value)}>${TARGETS.map(([value, name]) => html`<option value=${value} key=${value}>${name}</option>`)}</select></p>`}
      <${Reason} value=${reason} set=${setReason} />
      ${said(fault)}
      <div class="actions"><button type="submit" class="danger" disabled=${isBusy}>${isPause ? "Pause" : "Resume"}</button><button type="button" onClick=${close}>Not now</button></div>
    </form><//>`;
}
