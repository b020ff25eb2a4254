import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { html } from "../../web/client/html.ts";
import { sendJson, useJson } from "../../web/client/load.ts";
import { counted, instant } from "../../web/client/time.ts";
import type { DeadGroup, DeadLetters, Me, RedriveGroupOrder, Redriven } from "../view.ts";
import { RedriveDialog } from "./actions.ts";
import { Frame } from "./frame.ts";
import { RedrivesPanel } from "./redrives.ts";
import { CHANNEL_NAMES, moment } from "./words.ts";

/** A group to redrive; `until`: to go on with what an earlier redrive has not reached. */
type Chosen = Pick<RedriveGroupOrder, "channel" | "reason" | "until">;

const COLUMNS: readonly (readonly [name: string, style?: string])[] = [
  ["Reason"],
  ["Channel"],
  ["Deliveries", "num"],
  ["Would a redrive help?"],
];

export function DeadScreen({ me }: { me: Me }): VNode {
  const [revision, setRevision] = useState(0);
  const [group, setGroup] = useState<Chosen>();
  const { data, isSlow, fault, again } = useJson<DeadLetters>("/api/dead", revision);
  const read = () => setRevision((n) => n + 1);
  const order =
    ({ channel, reason, until }: Chosen) =>
    async ({ reason: why, ...given }: { reason: string; uncertain: boolean; dryRun: boolean }) => {
      const body: RedriveGroupOrder = { channel, reason, until, why, ...given };
      const answer = await sendJson<Redriven | { id: string }>("POST", "/api/dead/redrive", body);
      return "id" in answer ? undefined : answer;
    };
  return html`<${Frame} me=${me} title="Dead letters" here="Dead letters" keys=${{}} keyRows=${[]}>
    <div class="head"><h1>Dead letters</h1><span class="faint">What failed for good in the last 7 days</span>
      <div class="actions"><button type="button" onClick=${read}>Read again</button></div></div>
    <p class="dim">What waits is not here: it is tried again by itself, and stands under <a href="/now">Now</a>. A delivery comes here when it failed for good, or when nobody can know whether it arrived.</p>
    ${fault !== undefined && html`<div class="banner" role="alert"><h2>The store could not be read</h2><p>${fault}. Sending goes on; this concerns the console alone.</p><div class="actions"><button type="button" onClick=${again}>Try again now</button></div></div>`}
    ${isSlow && html`<div class="stack-v" aria-busy="true"><span class="sr">Loading</span><span class="bone w1"></span><span class="bone w2"></span></div>`}
    <${RedrivesPanel} isOperator=${me.role === "operator"} revision=${revision} ended=${read} goOn=${setGroup} />
    ${data !== undefined && html`<${Groups} data=${data} isOperator=${me.role === "operator"} choose=${setGroup} />`}
    ${group && html`<${RedriveDialog} title=${`Redrive ${CHANNEL_NAMES[group.channel]}, ${group.reason}?`} order=${order(group)} close=${() => setGroup(undefined)} changed=${read} />`}
  <//>`;
}

interface GroupsProps {
  data: DeadLetters;
  isOperator: boolean;
  choose(group: DeadGroup): void;
}

function Groups({ data: { total, groups, from, isCut }, isOperator, choose }: GroupsProps): VNode {
  if (groups.length === 0)
    return html`<section class="panel" aria-label="Groups"><div class="empty"><span class="state ok">Nothing failed</span><p>No delivery failed for good since <time datetime=${instant(from)}>${moment(from)}</time> UTC.</p></div></section>`;
  const link = ({ channel, reason }: DeadGroup) =>
    `/find#${new URLSearchParams({ state: "failed", channel, ...(reason !== "none" && { reason }) } as Record<string, string>)}`;
  return html`<section class="panel" aria-labelledby="groups">
    <header><h2 id="groups">${counted(total)}${isCut ? " or more" : ""} ${total === 1 ? "delivery" : "deliveries"} by reason</h2>${isCut && html`<span class="faint">The first 5,000 notifications of these 7 days were read</span>`}</header>
    <table role="table" class="stack dead">
      <thead role="rowgroup"><tr role="row">${COLUMNS.map(([name, style]) => html`<th role="columnheader" scope="col" key=${name} class=${style}>${name}</th>`)}<th role="columnheader" scope="col"><span class="sr">Action</span></th></tr></thead>
      <tbody role="rowgroup">${groups.map(
        (one) => html`<tr role="row" key=${`${one.channel} ${one.reason}`}>
          <th role="rowheader" scope="row" class="full"><a href=${link(one)}>${one.words}</a> <span class="tag">${one.reason}</span></th>
          <td role="cell" class="nowrap">${CHANNEL_NAMES[one.channel]}</td>
          <td role="cell" class="num" data-label="Deliveries"><b>${counted(one.count)}</b></td>
          <td role="cell" class="full" data-label="Would a redrive help?">${one.advice}</td>
          <td role="cell" class="num">${one.isRedrivable ? html`<button type="button" disabled=${!isOperator} title=${isOperator ? undefined : "Needs the role operator"} onClick=${() => choose(one)}>Redrive…</button>` : html`<a class="button" href=${link(one)}>Show</a>`}</td>
        </tr>`,
      )}</tbody>
    </table>
  </section>`;
}
