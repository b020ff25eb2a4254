import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Dialog } from "../../web/client/dialog.ts";
import { html } from "../../web/client/html.ts";
import { useJson } from "../../web/client/load.ts";
import type { Accounts } from "../view-accounts.ts";
import type { DrainOrder, ReevaluateOrder, Said, SteerOrder } from "../view-now.ts";
import { Checkbox, Choice, Done, post, Reason, said, useOrder } from "./order.ts";
import { ToAcceptList, useOrderToAccept } from "./to-accept.ts";
import { CHANNEL_NAMES } from "./words.ts";

const CLASSES = ["critical", "transactional", "marketing"];
const TARGETS = [
  ...Object.entries(CHANNEL_NAMES).map(([value, name]) => [`channel:${value}`, name] as const),
  ...CLASSES.map((name) => [`class:${name}`, `Class ${name}`] as const),
];
const TIMES = [
  ["0", "until it is resumed"],
  ["30", "for 30 min"],
  ["120", "for 2 h"],
  ["1440", "for 24 h"],
] as const;

const PAUSE_WORDS =
  "Within 5 s nothing of it is sent any more, not even what is critical; a call to a provider that has begun by then is finished. What is accepted waits, and expires when its time is over.";
const NO_OTHER = "The channel's other providers do not take over: to have them, drain the account instead.";

/** What an operator is about to do. A target or channel that is empty is chosen in the dialog. */
export type Steering =
  | { action: "pause"; target: string }
  | { action: "resume"; target: string }
  | { action: "drain"; account: string }
  | { action: "reevaluate"; channel: string };

interface SteeringProps {
  /** What can be paused besides channels and classes. */
  targets: readonly string[];
  /** There are more than these. */
  areTargetsCut: boolean;
  close(): void;
  changed(): void;
}

export function SteeringDialog({ steering, ...props }: SteeringProps & { steering: Steering }): VNode {
  if (steering.action === "drain") return html`<${DrainDialog} account=${steering.account} ...${props} />`;
  if (steering.action === "reevaluate") return html`<${ReevaluateDialog} channel=${steering.channel} ...${props} />`;
  return html`<${PauseDialog} ...${steering} ...${props} />`;
}

function PauseDialog({
  action,
  target: first,
  targets,
  areTargetsCut,
  close,
  changed,
}: SteeringProps & { action: "pause" | "resume"; target: string }): VNode {
  const [target, setTarget] = useState(first);
  const [minutes, setMinutes] = useState("0");
  const [reason, setReason] = useState("");
  const { result, fault, isBusy, submitting, accepted, restart } = useOrderToAccept();
  const choose = (next: string) => {
    setTarget(next);
    restart();
  };
  const isPause = action === "pause";
  const order: SteerOrder = { target, reason, ...(isPause && { minutes: Number(minutes), ...accepted.flags }) };
  const submit = submitting(() => post(`/api/${action}`, order, changed));
  if (result !== undefined && result.toAccept === undefined) return html`<${Done} words=${result.said} close=${close} />`;
  const all = [...TARGETS, ...targets.map((one) => [one, one] as const)];
  return html`<${Dialog} title=${isPause ? "Pause" : `Resume ${target}?`} close=${close}>
    ${isPause ? html`<p>${PAUSE_WORDS}${target.startsWith("account:") && ` ${NO_OTHER}`}</p>` : html`<p>What waited is made due at once.</p>`}
    <form class="stack-v" onSubmit=${submit}>
      ${isPause && html`<${Choice} id="target" label="What to pause" placeholder="Choose…" value=${target} set=${choose} options=${target === "" || all.some(([one]) => one === target) ? all : [...all, [target, target]]} />`}
      ${isPause && areTargetsCut && html`<p class="faint">There are more apps or accounts than these. Any of them: carillon pause</p>`}
      ${isPause && html`<${Choice} id="minutes" label="How long" value=${minutes} set=${setMinutes} options=${TIMES} />`}
      <${ToAcceptList} said=${result} of=${accepted} />
      <${Reason} value=${reason} set=${setReason} />
      ${said(fault)}
      <div class="actions"><button type="submit" class="danger" disabled=${isBusy}>${isPause ? "Pause" : "Resume"}</button><button type="button" onClick=${close}>Not now</button></div>
    </form><//>`;
}

function DrainDialog({ account, close, changed }: SteeringProps & { account: string }): VNode {
  const { data, fault: unread } = useJson<Accounts>("/api/accounts");
  const [chosen, setChosen] = useState("");
  const [reason, setReason] = useState("");
  const [isReevaluated, setReevaluated] = useState(true);
  const { result, fault, isBusy, submitting, accepted, restart } = useOrderToAccept();
  const choose = (next: string) => {
    setChosen(next);
    restart();
  };
  const provider = account.split("/")[0];
  const channel = data?.providers.find((one) => one.provider === provider)?.channel;
  const others = (data?.providers ?? []).filter((one) => one.channel === channel && one.provider !== provider).map((one) => one.provider);
  const to = chosen || (others[0] ?? "");
  const order: DrainOrder = { from: account, to, reason, reevaluate: isReevaluated, ...accepted.flags };
  const submit = submitting(() => post("/api/drain", order, changed));
  if (result !== undefined && result.toAccept === undefined) return html`<${Done} words=${result.said} close=${close} />`;
  return html`<${Dialog} title=${`Drain ${account}?`} close=${close}>
    <p>Within 5 s another provider of the channel sends what this account would, until it is resumed. A call that has begun by then is finished.</p>
    ${said(unread ?? "")}
    ${data !== undefined && others.length === 0 && html`<p role="alert">No other provider of ${CHANNEL_NAMES[channel ?? ""] ?? "this channel"} could send it. Pause the account instead.</p>`}
    <form class="stack-v" onSubmit=${submit}>
      <${Choice} id="to" label="To which provider" value=${to} set=${choose} options=${others.map((name) => [name, name] as const)} />
      <${Checkbox} label="Then make due what waits on this channel" value=${isReevaluated} set=${setReevaluated} />
      <${ToAcceptList} said=${result} of=${accepted} />
      <${Reason} value=${reason} set=${setReason} />
      ${said(fault)}
      <div class="actions"><button type="submit" class="danger" disabled=${isBusy || to === ""}>Drain</button><button type="button" onClick=${close}>Not now</button></div>
    </form><//>`;
}

function ReevaluateDialog({ channel: first, targets, areTargetsCut, close, changed }: SteeringProps & { channel: string }): VNode {
  const [channel, setChannel] = useState(first);
  const [app, setApp] = useState("");
  const [reason, setReason] = useState("");
  const { result, fault, isBusy, submitting } = useOrder<Said>();
  const order: ReevaluateOrder = { channel, app, reasonCode: "", reason };
  const submit = submitting(() => post("/api/reevaluate", order, changed));
  if (result !== undefined) return html`<${Done} words=${result.said} close=${close} />`;
  const apps = targets.filter((one) => one.startsWith("app:")).map((one) => [one.slice(4), one.slice(4)] as const);
  return html`<${Dialog} title="Make due what waits?" close=${close}>
    <p>What waits for a later attempt is looked at within seconds, critical first. It waits again where its reason still holds; what is scheduled keeps its time.</p>
    <form class="stack-v" onSubmit=${submit}>
      <${Choice} id="channel" label="Channel" placeholder="Choose…" value=${channel} set=${setChannel} options=${Object.entries(CHANNEL_NAMES)} />
      <${Choice} id="app" label="App" value=${app} set=${setApp} options=${[["", "every app"], ...apps]} />
      ${areTargetsCut && html`<p class="faint">There are more apps than these. Any of them: carillon reevaluate</p>`}
      <${Reason} value=${reason} set=${setReason} />
      ${said(fault)}
      <div class="actions"><button type="submit" class="danger" disabled=${isBusy}>Make due</button><button type="button" onClick=${close}>Not now</button></div>
    </form><//>`;
}
