import { Fragment, type VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Children, html } from "../../../web/client/html.ts";
import { languageOf } from "../../../web/client/language.ts";
import { useJson } from "../../../web/client/load.ts";
import { type Tab, Tabs } from "../../../web/client/tabs.ts";
import { clockMs, instant } from "../../../web/client/time.ts";
import type { Message, Timeline } from "../view.ts";
import { Card } from "./card.ts";
import { FaultsFoot } from "./faults.ts";
import { MailView } from "./mail.ts";
import { TimelineView } from "./timeline.ts";
import { headingOf, providerName } from "./words.ts";

interface PaneProps {
  /** undefined: nothing arrived. */
  id: number | undefined;
  revisions: { messages: number; faults: number; timeline: number };
  /** Called when somebody points at the message or works with it: then the next one to arrive must not take its place. */
  keep(): void;
}

export function Pane({ id, revisions, keep }: PaneProps): VNode {
  const base = id === undefined ? undefined : `/inbox/api/messages/${id}`;
  const { data, fault, again } = useJson<Message>(base);
  const message = id === undefined ? undefined : data;
  const { data: asked } = useJson<Timeline>(base && `${base}/timeline`, revisions.timeline);
  // The two are read apart, so one may be of the message that was shown before.
  const timeline = asked?.id === message?.id ? asked : undefined;
  const [tab, setTab] = useState("r");
  const heading = useRef<HTMLHeadingElement>(null);
  const title = message === undefined ? "" : headingOf(message);
  useEffect(() => {
    document.title = `${title === "" ? "" : `${title} · `}Inbox · Carillon sandbox`;
  }, [title]);
  useEffect(() => {
    // Where the list and the message are two screens, the link that was pressed is gone: the message's heading is what comes next.
    const opened = () => location.hash === "#detail" && matchMedia("(max-width: 56rem)").matches && heading.current?.focus();
    addEventListener("hashchange", opened);
    return () => removeEventListener("hashchange", opened);
  }, []);
  const tabs = message === undefined ? [] : tabsOf(message, timeline);
  // The same view of the next message; where that has none, the first.
  const chosen = tabs.find((one) => one.id === tab)?.id ?? "r";
  return html`<article class="pane" id="detail" aria-labelledby="subject" onPointerEnter=${keep} onFocusIn=${keep}>
    <header>
      <a class="only-narrow" href="#list">← All messages</a>
      <div class="head">
        <h2 id="subject" tabindex="-1" ref=${heading} lang=${languageOf(title)}>${title || (id === undefined ? "No message" : "…")}</h2>
        ${message !== undefined && html`<${State} message=${message} timeline=${timeline} />`}
      </div>
      ${message !== undefined && html`<${Facts} message=${message} timeline=${timeline} />`}
      ${fault !== undefined && html`<p role="alert">The message could not be read: ${fault}. <button type="button" onClick=${again}>Try again now</button></p>`}
    </header>
    ${message !== undefined && html`<${Tabs} label="Views of this message" tabs=${tabs} chosen=${chosen} choose=${setTab} />`}
    <${FaultsFoot} message=${message} timeline=${timeline} revision=${revisions.faults} />
  </article>`;
}

/** What the sender says of the delivery; where it cannot be asked, what the sandbox did. */
function State({ message, timeline }: { message: Message; timeline: Timeline | undefined }): VNode | string {
  const state = timeline?.history?.state;
  if (state !== undefined) return html`<span class=${`state ${state.mark}`} title=${state.sentence}>${state.word}</span>`;
  if (timeline === undefined) return "";
  return message.accepted
    ? html`<span class="state ok">Accepted by the sandbox</span>`
    : html`<span class="state bad">Rejected by the sandbox</span>`;
}

function Facts({ message, timeline }: { message: Message; timeline: Timeline | undefined }): VNode {
  const { to, from, cc, bcc, provider, answer, arrivedAt, deliveryId } = message;
  const history = timeline?.history;
  const fact = (name: string, value: Children, isMono = false) =>
    value === "" || value === undefined ? "" : html`<div><dt>${name}</dt><dd class=${isMono ? "mono" : undefined}>${value}</dd></div>`;
  return html`<dl class="facts">
    ${fact("To", to || "nobody", message.channel === "push")}${fact("Cc", cc.join(", "))}${fact("Bcc", bcc.join(", "))}
    ${fact("From", from)}${fact("Provider", providerName(provider))}
    ${fact("Arrived, UTC", html`<time datetime=${instant(arrivedAt)}>${clockMs(arrivedAt)}</time>`, true)}
    ${fact("Answered", answer, true)}
    ${fact("User", history?.userId)}
    ${history === undefined ? fact("Delivery", deliveryId, true) : fact("Notification", history.idempotencyKey, true)}
  </dl>`;
}

function tabsOf(message: Message, timeline: Timeline | undefined): Tab[] {
  const { channel, text, headers, raw, rawCut } = message;
  const isMail = channel === "email";
  return [
    { id: "r", label: "Rendered", content: () => (isMail ? html`<${MailView} message=${message} />` : html`<${Card} row=${message} />`) },
    ...(isMail
      ? [
          {
            id: "t",
            label: "Text",
            content: () => html`<pre tabindex="0" class="words" aria-label="The text">${text || "This mail has no text part."}</pre>`,
          },
        ]
      : []),
    { id: "h", label: "Headers", count: headers.length, content: () => html`<${Headers} message=${message} />` },
    {
      id: "w",
      label: "Raw",
      content: () =>
        html`<${Fragment}><pre tabindex="0" aria-label="The request">${raw}</pre>${rawCut && html`<p class="faint">Cut here: the request is longer.</p>`}<//>`,
    },
    { id: "l", label: "Timeline", count: timeline?.events.length, content: () => html`<${TimelineView} timeline=${timeline} />` },
  ];
}

function Headers({ message: { channel, provider, headers, oneClickUrl } }: { message: Message }): VNode {
  const isApi = channel === "email" && provider !== "smtp";
  return html`<${Fragment}>
    <dl class="kv">
      ${headers.map(
        ({ name, value }, i) => html`<dt key=${`dt${i}`}>${name}</dt><dd class="mono" key=${`dd${i}`}>${value}
          ${name.toLowerCase() === "list-unsubscribe" && oneClickUrl !== undefined ? html` <span class="state ok bare">One click is offered</span>` : ""}</dd>`,
      )}
      ${isApi && html`<dt>DKIM-Signature</dt><dd><span class="state bare">Not signed: the sandbox does not sign</span></dd>`}
    </dl>
    ${isApi && html`<p class="faint note">As the request says them. ${providerName(provider)} itself would add Date, Message-ID and the like.</p>`}
  <//>`;
}
