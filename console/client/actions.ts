import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Dialog } from "../../web/client/dialog.ts";
import { html } from "../../web/client/html.ts";
import { sendJson } from "../../web/client/load.ts";
import type { Cancelled, CancelOrder, DeliveryRow, NotificationView, Redriven, RedriveOrder } from "../view.ts";
import { Checkbox, post, Reason, said, useOrder } from "./order.ts";

const lines = (rows: readonly DeliveryRow[]) =>
  html`<dl class="kv">${rows.map((d) => html`<dt key=${`t${d.id}`}>${d.channelName} <span class="mono">${d.endpoint}</span></dt><dd key=${`d${d.id}`}>${d.ifCancelled}</dd>`)}</dl>`;

export const CancelPanel = ({ rows }: { rows: readonly DeliveryRow[] }): VNode =>
  html`<section class="panel" aria-labelledby="cancel-title"><header><h2 id="cancel-title">If it were cancelled now</h2></header>
    <div class="body stack-v">${lines(rows)}<p class="faint">An attempt that begins before the click counts as in flight. You are told which it was.</p></div></section>`;

interface DialogProps {
  view: NotificationView;
  close(): void;
  changed(): void;
}

export function CancelDialog({ view, close, changed }: DialogProps): VNode {
  const [reason, setReason] = useState("");
  const { result, fault, isBusy, submitting } = useOrder<Cancelled>();
  const open = view.deliveries.filter(({ isCancellable }) => isCancellable);
  const submit = submitting(() => post("/api/cancel", { notification: view.id, reason } satisfies CancelOrder, changed));
  if (result !== undefined)
    return html`<${Dialog} title="What became of each" close=${close}>
      <dl class="kv" role="status">${result.deliveries.map((d, i) => html`<dt key=${`t${i}`}>${d.channelName} <span class="mono">${d.endpoint}</span></dt><dd key=${`d${i}`}>${d.words}</dd>`)}</dl>
      <div class="actions"><button type="button" onClick=${close}>Close</button></div><//>`;
  return html`<${Dialog} title="Cancel this notification?" close=${close}>
    ${lines(view.deliveries)}
    <form class="stack-v" onSubmit=${submit}>
      <${Reason} value=${reason} set=${setReason} />
      ${said(fault)}
      <div class="actions"><button type="submit" class="danger" disabled=${isBusy}>Cancel ${open.length}</button><button type="button" onClick=${close}>Keep it</button></div>
    </form><//>`;
}

interface RedriveProps {
  title: string;
  /** Undefined: it was begun, and goes on in the background. */
  order(given: Pick<RedriveOrder, "reason" | "uncertain" | "dryRun">): Promise<Redriven | undefined>;
  close(): void;
  changed(): void;
}

/** Says what would be sent and what is left out, before it is done. */
export function RedriveDialog({ title, order: ask, close, changed }: RedriveProps): VNode {
  const [reason, setReason] = useState("");
  const [uncertain, setUncertain] = useState(false);
  const [plan, setPlan] = useState<Redriven>();
  const { result, fault, isBusy, submitting } = useOrder<Redriven | undefined>();
  const order = (dryRun: boolean) => ask({ reason, uncertain, dryRun });
  useEffect(() => {
    order(true).then(setPlan, () => setPlan(undefined));
  }, [uncertain]);
  const submit = submitting(async () => {
    const answer = await order(false);
    changed();
    if (answer === undefined) close();
    return answer;
  });
  const counts = ({ redriven, leftOut, isCut }: Redriven, word: string) =>
    html`<dl class="kv"><dt>${word}</dt><dd><b>${redriven}</b>${isCut && " or more"}</dd><dt>Left out</dt><dd>${leftOut.join(", ") || "none"}</dd></dl>`;
  if (result !== undefined)
    return html`<${Dialog} title="Redriven" close=${close}><div role="status">${counts(result, "Redriven")}</div><div class="actions"><button type="button" onClick=${close}>Close</button></div><//>`;
  return html`<${Dialog} title=${title} close=${close}>
    ${plan === undefined ? html`<p class="dim">…</p>` : counts(plan, "Would be sent")}
    <form class="stack-v" onSubmit=${submit}>
      <${Checkbox} label="Also what may have been sent: I accept that it may arrive twice" value=${uncertain} set=${setUncertain} />
      <${Reason} value=${reason} set=${setReason} />
      ${said(fault)}
      <div class="actions"><button type="submit" class="danger" disabled=${isBusy || plan === undefined || (plan.redriven === 0 && !plan.isCut)}>Redrive ${plan?.isCut ? "all" : (plan?.redriven ?? 0)}</button><button type="button" onClick=${close}>Not now</button></div>
    </form><//>`;
}

export const redriveOne = (notification: string) => (given: Pick<RedriveOrder, "reason" | "uncertain" | "dryRun">) =>
  sendJson<Redriven>("POST", "/api/redrive", { notification, ...given } satisfies RedriveOrder);
