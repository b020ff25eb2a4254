import { Fragment, type VNode } from "preact";
import { useState } from "preact/hooks";
import { html } from "../../web/client/html.ts";
import { useJson } from "../../web/client/load.ts";
import { instant } from "../../web/client/time.ts";
import type { DeliveryRow, Me, NotificationView } from "../view.ts";
import { CancelDialog, CancelPanel, RedriveDialog, redriveOne } from "./actions.ts";
import { ContentPanel } from "./content.ts";
import { Frame } from "./frame.ts";
import { personLink } from "./person-link.ts";
import { TimelinePanel } from "./timeline.ts";
import { Mark, moment, WhyText } from "./words.ts";

const KEYS = [
  [["c"], "cancel"],
  [["r"], "redrive"],
] as const;

export function NotificationScreen({ me, id }: { me: Me; id: string }): VNode {
  const [revision, setRevision] = useState(0);
  const [dialog, setDialog] = useState<"cancel" | "redrive">();
  const { data, isSlow, fault, again } = useJson<NotificationView>(`/api/notifications/${id}`, revision);
  const title = data === undefined ? id.slice(0, 8) : data.key || id.slice(0, 8);
  const [isOperator, open, failed] = [
    me.role === "operator",
    data?.deliveries.filter(({ isCancellable }) => isCancellable).length ?? 0,
    data?.deliveries.filter(({ isFailed }) => isFailed).length ?? 0,
  ];
  const keys = {
    c: () => isOperator && open > 0 && setDialog("cancel"),
    r: () => isOperator && failed > 0 && setDialog("redrive"),
  };
  const changed = () => setRevision((n) => n + 1);
  const close = () => setDialog(undefined);
  return html`<${Frame} me=${me} title=${title} here="Find" keys=${keys} keyRows=${KEYS}>
    ${fault !== undefined && html`<div class="empty" role="alert"><h1>The notification could not be read</h1><p>${fault}</p><div class="actions"><button type="button" onClick=${again}>Try again now</button><a class="button" href="/find">Find</a></div></div>`}
    ${isSlow && html`<div class="stack-v" aria-busy="true"><span class="sr">Loading</span><span class="bone w1"></span><span class="bone w2"></span></div>`}
    ${
      data !== undefined &&
      html`<${Fragment}>
      <div class="stack-v">
        <div class="head"><p class="faint"><a href="/find">Find</a> / ${data.app}</p>
          <div class="actions"><button type="button" onClick=${changed}>Read again</button></div></div>
        <div class="head">
          <h1>${title}</h1>
          ${data.states.map(({ state, count }) => html`<${Mark} key=${state.word} state=${state} count=${count} />`)}
          <div class="actions">
            <button type="button" class="danger" disabled=${!isOperator || open === 0} aria-describedby="why-not" onClick=${() => setDialog("cancel")}>
              ${open === 0 ? "Cancel" : `Cancel ${open} ${open === 1 ? "delivery" : "deliveries"}…`} <kbd>c</kbd></button>
            <button type="button" disabled=${!isOperator || failed === 0} aria-describedby="why-not" onClick=${() => setDialog("redrive")}>Redrive${failed > 0 ? ` ${failed}…` : ""}</button>
            <span class="faint" id="why-not">${isOperator ? whyNot(open, failed) : "needs the role operator"}</span>
          </div>
        </div>
        <p class="lead">${data.lead}</p>
        <${Facts} view=${data} isLinked=${me.role !== "viewer"} />
      </div>
      <${Deliveries} rows=${data.deliveries} />
      <div class="cols wide-left">
        <${TimelinePanel} view=${data} />
        <div class="stack-v"><${ContentPanel} view=${data} /><${CancelPanel} rows=${data.deliveries} /></div>
      </div>
      ${dialog === "cancel" && html`<${CancelDialog} view=${data} close=${close} changed=${changed} />`}
      ${dialog === "redrive" && html`<${RedriveDialog} title="Redrive what failed?" order=${redriveOne(id)} close=${close} changed=${changed} />`}
    <//>`
    }
  <//>`;
}

const whyNot = (open: number, failed: number) =>
  [open === 0 ? "nothing is open" : "", failed === 0 ? "nothing failed" : ""].filter(Boolean).join(", ");

function Facts({ view, isLinked }: { view: NotificationView; isLinked: boolean }): VNode {
  const time = (at: number) => html`<time datetime=${instant(at)}>${moment(at)}</time>`;
  return html`<dl class="facts">
    ${view.user !== "" && html`<div><dt>Recipient</dt><dd>${isLinked ? html`<a href=${personLink(view)}>${view.user}</a>` : view.user}</dd></div>`}
    <div><dt>App</dt><dd>${view.app}</dd></div>
    <div><dt>Class, category</dt><dd>${view.notificationClass}, ${view.category}</dd></div>
    <div><dt>Accepted (UTC)</dt><dd class="mono">${time(view.acceptedAt)}</dd></div>
    ${view.sendAt > view.acceptedAt && html`<div><dt>Scheduled for (UTC)</dt><dd class="mono">${time(view.sendAt)}</dd></div>`}
    <div><dt>Expires (UTC)</dt><dd class="mono">${time(view.expiresAt)}</dd></div>
    ${view.tags.length > 0 && html`<div><dt>Tags</dt><dd>${view.tags.map((tag) => html`<span class="tag" key=${tag}>${tag}</span> `)}</dd></div>`}
    <div><dt>Id</dt><dd class="mono">${view.id}</dd></div>
  </dl>`;
}

const COLUMNS = ["Channel", "Endpoint", "State", "Why, in words", "What happens next (UTC)"];

function Deliveries({ rows }: { rows: readonly DeliveryRow[] }): VNode {
  return html`<section class="panel" aria-labelledby="deliveries">
    <header><h2 id="deliveries">${rows.length} ${rows.length === 1 ? "delivery" : "deliveries"}</h2></header>
    <table role="table" class="stack deliveries">
      <thead role="rowgroup"><tr role="row">${COLUMNS.map((name) => html`<th role="columnheader" scope="col" key=${name}>${name}</th>`)}
        <th role="columnheader" scope="col" class="num">Attempts</th></tr></thead>
      <tbody role="rowgroup">${rows.map(
        (d) => html`<tr role="row" key=${d.id}>
          <th role="rowheader" scope="row" class="nowrap">${d.channelName}</th>
          <td role="cell" class="mono" data-label="Endpoint">${d.endpoint || "none"}</td>
          <td role="cell"><${Mark} state=${d.state} /></td>
          <td role="cell" class="full" data-label="Why"><${WhyText} why=${d.why} /></td>
          <td role="cell" class="full" data-label="Next">${d.next}</td>
          <td role="cell" class="num" data-label="Attempts">${d.attempts}</td>
        </tr>`,
      )}</tbody>
    </table>
  </section>`;
}
