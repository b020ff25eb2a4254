import { Fragment, type VNode } from "preact";
import { html } from "../../../web/client/html.ts";
import { languageOf } from "../../../web/client/language.ts";
import { counted } from "../../../web/client/time.ts";
import type { SmsSize, Summary } from "../view.ts";
import { pushWords } from "./words.ts";

/** A message as its device shows it; of a mail, the line of a mail program's list. */
export function Card({ row }: { row: Summary }): VNode {
  if (row.channel === "sms") return html`<${Bubble} text=${row.body} size=${row.sms} />`;
  if (row.channel === "push") return html`<${PushCard} row=${row} />`;
  return html`<div><p class="subject" lang=${languageOf(row.title)}>${row.title || "(no subject)"}</p><p class="clip" lang=${languageOf(row.body)}>${row.body}</p></div>`;
}

function Bubble({ text, size }: { text: string; size: SmsSize | undefined }): VNode {
  return html`<${Fragment}>
    <p class="bubble" lang=${languageOf(text)}>${text}</p>
    ${size && html`<p class="faint">${sizeWords(size)}</p>`}
  <//>`;
}

function sizeWords({ segments, encoding, units, perSegment, pictures }: SmsSize): string {
  const length = segments === 1 ? `${units} of ${perSegment} characters` : `${counted(units)} characters, ${perSegment} each`;
  const text = `${segments} ${segments === 1 ? "segment" : "segments"} · ${encoding} · ${length}`;
  return pictures === 0 ? text : `${text} · ${pictures} ${pictures === 1 ? "picture" : "pictures"}, not fetched`;
}

/** No request says the app's own name and picture, so a bell stands for both. */
const AppIcon = () =>
  html`<span class="app"><svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"
    aria-hidden="true"><path d="M6 16V11a6 6 0 0 1 12 0v5l1.500 2h-15z" /><path d="M10 20.500a2 2 0 0 0 4 0" /></svg></span>`;

function PushCard({ row: { device, title, body, push } }: { row: Summary }): VNode {
  if (push === undefined || push.kind !== "alert")
    return html`<p class="dim">${pushWords(push?.kind === "alert" || push === undefined ? "silent" : push.kind)}</p>`;
  const picture = push.pictureFrom === "" ? "" : html`<p class="faint">With a picture from ${push.pictureFrom}, not fetched</p>`;
  const words = html`<b lang=${languageOf(title)}>${title}</b>`;
  const text = html`<p lang=${languageOf(body)}>${push.subtitle !== "" && html`<b>${push.subtitle}</b> `}${body}</p>`;
  const card =
    device === "android"
      ? html`<div class="push android"><${AppIcon} /><span class="from">Your app · now</span>${words}${text}</div>`
      : device === "ios"
        ? html`<div class="push ios"><${AppIcon} />${words}<span class="now">now</span>${text}</div>`
        : html`<div class="push web"><${AppIcon} />${words}<span class="now">now</span><span class="from">${push.opens || "your site"}</span>${text}</div>`;
  return html`<${Fragment}>${card}${picture}<//>`;
}
