import { Fragment, type VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "../../web/client/html.ts";
import { sendJson, useJson } from "../../web/client/load.ts";
import { counted, instant } from "../../web/client/time.ts";
import type { GroupRedrive, GroupRedrives, RedriveProgress, StopOrder } from "../view.ts";
import { said, useOrder } from "./order.ts";
import { CHANNEL_NAMES, moment } from "./words.ts";

/** Between two readings, in ms: while one runs, which looks at some dozens of deliveries a second, and otherwise. */
const [RUNNING_MS, IDLE_MS] = [1_000, 10_000];

interface RedrivesProps {
  isOperator: boolean;
  /** Another one: read now. */
  revision: number;
  /** One that ran has ended. */
  ended(): void;
  goOn(of: { channel: string; reason: string; until: number }): void;
}

/** The redrives of groups: those that run with their progress, and what became of the last ones. */
export function RedrivesPanel({ isOperator, revision, ended, goOn }: RedrivesProps): VNode {
  const [beat, setBeat] = useState(0);
  const { data, fault } = useJson<GroupRedrives>("/api/dead/redrives", revision + beat);
  const runs = data?.redrives.filter(({ state }) => state === "running").length ?? 0;
  const before = useRef(0);
  useEffect(() => {
    if (runs < before.current) ended();
    before.current = runs;
    const timer = setInterval(() => setBeat((n) => n + 1), runs > 0 ? RUNNING_MS : IDLE_MS);
    return () => clearInterval(timer);
  }, [runs]);
  if (fault !== undefined)
    return html`<p role="alert"><span class="state bad">Unknown</span> The redrives could not be read: ${fault}.</p>`;
  if (data === undefined || data.redrives.length === 0) return html`<${Fragment} />`;
  return html`<section class="panel" aria-labelledby="redrives">
    <header><h2 id="redrives">Redrives</h2><span class="faint">At most ${data.perSecond} of each become due in a second</span></header>
    ${data.redrives.map((one) => html`<${Redrive} key=${one.id} one=${one} perSecond=${data.perSecond} isOperator=${isOperator} goOn=${goOn} />`)}
    ${data.isCut && html`<footer><span>The last ten, and of the last 200 those without a result. Earlier ones: carillon audit-log</span></footer>`}
  </section>`;
}

const STATES: Readonly<Record<GroupRedrive["state"], readonly [word: string, mark: string]>> = {
  running: ["Running", "wait"],
  ended: ["Ended", "ok"],
  unfinished: ["Not finished", "warn"],
  left: ["No result", "warn"],
};

interface RedriveProps extends Pick<RedrivesProps, "isOperator" | "goOn"> {
  one: GroupRedrive;
  perSecond: number;
}

function Redrive({ one, perSecond, isOperator, goOn }: RedriveProps): VNode {
  const { id, channel, reason, at, actor, why, words, progress, isUnlogged } = one;
  const { fault, isBusy, run } = useOrder<unknown>();
  const [word, mark] = STATES[one.state];
  const mayRun = one.state === "running" || one.state === "left";
  const title = `redrive-${id}`;
  return html`<section class="body stack-v redrive" aria-labelledby=${title}>
    <div class="head"><h3 id=${title}>${CHANNEL_NAMES[channel] ?? channel}, ${reason}</h3> <span class=${`state ${mark}`}>${word}</span>
      <span class="dim">${actor}, <time datetime=${instant(at)}>${moment(at)}</time>, “${why}”</span>
      <div class="actions">
        ${mayRun && html`<button type="button" class="danger" disabled=${!isOperator || isBusy || progress?.isStopping === true} onClick=${() => void run(() => sendJson("POST", "/api/dead/stop", { id } satisfies StopOrder))}>${progress?.isStopping ? "Stops after this step" : "Stop"}</button>`}
        ${(one.state === "left" || one.state === "unfinished") && html`<button type="button" disabled=${!isOperator} onClick=${() => goOn({ channel, reason, until: at })}>Go on…</button>`}
      </div></div>
    ${progress === undefined ? html`<p>${words}</p>` : html`<${Meter} of=${progress} perSecond=${perSecond} />`}
    ${one.state === "left" && html`<p class="dim">This process of the console does not run it: it runs in another one, or ended with it. What was redriven stays so; what was not, can be gone on with.</p>`}
    ${isUnlogged && html`<p role="alert">This result could not be stored in the log of actions: this process alone knows it, until it ends.</p>`}
    ${said(fault)}
  </section>`;
}

function Meter({ of: { redriven, leftOut, total, isTotalCut }, perSecond }: { of: RedriveProgress; perSecond: number }): VNode {
  const done = redriven + leftOut;
  if (total === 0 && done === 0) return html`<p class="dim">Its deliveries are counted.</p>`;
  // What failed again, or was changed meanwhile, may make them more or fewer than were counted.
  const whole = Math.max(total, done, 1);
  const togo = isTotalCut ? "" : `, about ${inWords((whole - done) / perSecond)}`;
  const share = isTotalCut ? "" : `, ${Math.floor((done / whole) * 100)} %`;
  return html`<${Fragment}>
    <svg class="meter" viewBox=${`0 0 ${whole} 8`} preserveAspectRatio="none" role="img" aria-label=${`${counted(done)} of ${counted(whole)} done: ${counted(redriven)} redriven, ${counted(leftOut)} left out`}>
      <rect class="done" width=${redriven} height="8" /><rect class="left" x=${redriven} width=${leftOut} height="8" /></svg>
    <dl class="facts">
      <div><dt>Done</dt><dd><b>${counted(done)}</b> of ${counted(whole)}${isTotalCut && " or more"}${share}</dd></div>
      <div><dt>Redriven</dt><dd><b>${counted(redriven)}</b></dd></div>
      <div><dt>Left out</dt><dd><b>${counted(leftOut)}</b></dd></div>
      <div><dt>To go</dt><dd><b>${counted(whole - done)}</b>${isTotalCut && " or more"}${togo}</dd></div>
    </dl><//>`;
}

const inWords = (seconds: number) => (seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`);
