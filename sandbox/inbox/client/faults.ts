import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { html } from "../../../web/client/html.ts";
import { sendJson, useJson } from "../../../web/client/load.ts";
import type { Acted, FaultButton, FaultsView, Message, Timeline } from "../view.ts";
import { CHANNEL_NAMES } from "./words.ts";

interface FootProps {
  message: Message | undefined;
  timeline: Timeline | undefined;
  revision: number;
}

/** Breaks things on purpose, and acts as the recipient. */
export function FaultsFoot({ message, timeline, revision }: FootProps): VNode {
  const { data: faults } = useJson<FaultsView>("/inbox/api/faults", revision);
  const [picked, pick] = useState<string>();
  const [times, setTimes] = useState("1");
  const [said, say] = useState<Acted>();
  useEffect(() => say(undefined), [message?.id]);
  // The message's own, until one is picked: a message that arrives must not change what the next button does.
  const wanted = picked ?? message?.provider;
  const provider = faults?.providers.find(({ name }) => name === wanted) ?? faults?.providers[0];

  const order = async ({ label, order: given }: FaultButton) => {
    const count = times === "always" ? (faults?.untilRemoved ?? 1) : Number(times);
    await tell(async () => {
      await sendJson("POST", "/faults", { ...given, times: count });
      return { ok: true, said: `Ordered: ${provider?.label}, ${label}, ${WHEN[times]}.` };
    });
  };
  const act = (action: string) =>
    tell(async () => {
      const acted = await sendJson<Acted>("POST", `/inbox/api/messages/${message?.id}/${action}`);
      if (acted.url !== undefined) open(acted.url, "_blank", "noopener");
      return acted;
    });
  async function tell(work: () => Promise<Acted>): Promise<void> {
    say(await work().catch((error: Error) => ({ ok: false, said: `Not done: ${error.message}.` })));
  }

  return html`<section class="faults" aria-labelledby="faults">
    <div class="row">
      <h3 id="faults">Inject a fault</h3>
      <label class="sr" for="fp">Provider</label>
      <select id="fp" value=${provider?.name} onChange=${(event: Event) => pick((event.target as HTMLSelectElement).value)}>
        ${faults?.providers.map(({ name, label }) => html`<option value=${name} key=${name}>${label}</option>`)}
      </select>
      <label class="sr" for="fn">How often</label>
      <select id="fn" value=${times} onChange=${(event: Event) => setTimes((event.target as HTMLSelectElement).value)}>
        ${Object.entries(WHEN).map(([value, words]) => html`<option value=${value} key=${value}>${words}</option>`)}
      </select>
      ${provider?.buttons.map((button) => html`<button type="button" key=${button.label} onClick=${() => order(button)}>${button.label}</button>`)}
    </div>
    ${message !== undefined && html`<${Recipient} message=${message} timeline=${timeline} act=${act} />`}
    <div class="row" role="status">${said && html`<${Said} acted=${said} />`}</div>
    ${faults?.standing.map(
      ({ id, text }) => html`<div class="row dim" key=${id}><span class="state warn">Active</span> ${text}
        <button type="button" class="plain" aria-label=${`Remove: ${text}`} onClick=${() => tell(() => remove(id))}>Remove</button></div>`,
    )}
  </section>`;
}

/** How often, by the value of its choice: a number, or "always". */
const WHEN: Readonly<Record<string, string>> = { "1": "next request", "3": "next 3", always: "until removed" };

async function remove(id: number): Promise<Acted> {
  await sendJson("DELETE", `/faults?id=${id}`);
  return { ok: true, said: "Removed." };
}

const Said = ({ acted: { ok, said, url } }: { acted: Acted }) =>
  html`<span class=${`state ${ok ? "ok" : "bad"}`}>${ok ? "Done" : "Not done"}</span>
    <span class="dim">${said}${url !== undefined && html`<a href=${url} target="_blank" rel="noopener">The preference page</a>`}</span>`;

interface RecipientProps {
  message: Message;
  timeline: Timeline | undefined;
  act(action: string): void;
}

function Recipient({ message, timeline, act }: RecipientProps): VNode {
  const { channel, oneClickUrl, to, toShort } = message;
  const who = timeline?.history?.userId ?? (channel === "push" ? toShort : to);
  const kind = CHANNEL_NAMES[channel];
  const why = {
    unsubscribe:
      channel !== "email" ? `A ${kind} has no one-click link` : oneClickUrl === undefined ? "This mail offers no one-click link" : "",
    stop: channel === "sms" ? "" : `Nobody can reply STOP to a ${kind}`,
    preferences: timeline?.sender === "not-connected" ? "This sandbox cannot ask the sender for the page" : "",
  };
  const button = (action: keyof typeof why, label: string) =>
    html`<button type="button" disabled=${why[action] !== ""} title=${why[action] || undefined} onClick=${() => act(action)}>${label}</button>`;
  return html`<div class="row">
    <h3>Act as ${who}</h3>
    ${button("unsubscribe", "Unsubscribe with one click")}${button("stop", "Reply STOP")}${button("preferences", "Open the preference page")}
  </div>`;
}
