import { Fragment, type VNode } from "preact";
import { useState } from "preact/hooks";
import { html } from "../../web/client/html.ts";
import { languageOf } from "../../web/client/language.ts";
import { Tabs } from "../../web/client/tabs.ts";
import type { NotificationView, ShownContent } from "../view.ts";
import { CHANNEL_NAMES } from "./words.ts";

export function ContentPanel({ view }: { view: NotificationView }): VNode {
  const [tab, setTab] = useState("");
  const tabs = view.content.map((part) => ({
    id: part.channel,
    label: CHANNEL_NAMES[part.channel] ?? "",
    content: () => html`<${Part} part=${part} id=${view.id} />`,
  }));
  const chosen = tabs.find(({ id }) => id === tab)?.id ?? tabs[0]?.id ?? "";
  return html`<section class="panel" aria-labelledby="content">
    <header><h2 id="content">The content</h2><span class="faint">as it is stored</span></header>
    ${tabs.length === 0 ? html`<div class="body"><p class="dim">${view.contentGone || "There is no content for these channels."}</p></div>` : html`<${Tabs} label="Channel" tabs=${tabs} chosen=${chosen} choose=${setTab} />`}
  </section>`;
}

function Part({ part, id }: { part: ShownContent; id: string }): VNode {
  switch (part.kind) {
    case "sms":
      return html`<${Fragment}><p class="bubble" lang=${languageOf(part.text)}>${part.text}</p><p class="faint">${part.size}</p><//>`;
    case "push":
      return part.isShown
        ? html`<div class=${`push ${part.channel === "apns" ? "ios" : "web"}`}><span class="app" aria-hidden="true"></span><b lang=${languageOf(part.title)}>${part.title}</b><p lang=${languageOf(part.body)}>${part.subtitle !== "" && html`<b>${part.subtitle}</b> `}${part.body}</p></div>`
        : html`<p class="dim">It shows nothing by itself: the app gets it.</p>`;
    case "email":
      return html`<${Fragment}><p><b lang=${languageOf(part.subject)}>${part.subject}</b></p>
        ${part.hasHtml ? html`<div class="mail"><iframe sandbox="" title="The mail as a mail program shows it" src=${`/api/mails/${id}`}></iframe></div><p class="faint">Scripts, forms and remote pictures are off in this view.</p>` : html`<pre tabindex="0" class="text" aria-label="The text">${part.text}</pre>`}
      <//>`;
  }
}
