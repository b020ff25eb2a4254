import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import { classes, html } from "../../../web/client/html.ts";
import { clock, counted, instant } from "../../../web/client/time.ts";
import type { InboxChannel, MessageList, Summary } from "../view.ts";
import { Card } from "./card.ts";
import { DEVICE_NAMES, providerName } from "./words.ts";

const CHANNELS: readonly (readonly [name: string, channel: InboxChannel | undefined])[] = [
  ["All", undefined],
  ["Push", "push"],
  ["SMS", "sms"],
  ["E-mail", "email"],
];

interface ListProps {
  rows: readonly Summary[];
  list: MessageList | undefined;
  isSlow: boolean;
  fault: string | undefined;
  again(): void;
  /** New rows that are not shown yet. */
  held: number;
  show(): void;
  /** Whether somebody reads or points at the list: then it must not move. */
  still(isStill: boolean): void;
  shownId: number | undefined;
  choose(id: number): void;
  channel: InboxChannel | undefined;
  setChannel(channel: InboxChannel | undefined): void;
  isSearch: boolean;
  onClear(): void;
}

export function List(props: ListProps): VNode {
  const { rows, list, held, show, still, shownId, choose, channel, setChannel, onClear } = props;
  const section = useRef<HTMLElement>(null);
  const isPointed = useRef(false);
  const look = (pointed = isPointed.current) => {
    isPointed.current = pointed;
    const element = section.current;
    still(pointed || element === null || element.scrollTop > 0 || element.querySelector("ol")?.contains(document.activeElement) === true);
  };
  const showTop = () => {
    show();
    section.current?.scrollTo({ top: 0 });
  };
  return html`<section class="list" id="list" aria-label="What arrived, latest first" ref=${section} onScroll=${() => look()}
      onFocusIn=${() => look()} onFocusOut=${() => setTimeout(look)}>
    <div class="chips" role="group" aria-label="Channel">
      ${CHANNELS.map(
        ([name, value]) =>
          html`<button type="button" class=${classes("chip", value === channel && "on")} key=${name} aria-pressed=${String(value === channel)}
            onClick=${() => setChannel(value)}>${name} <span class="n">${list === undefined ? "" : counted(list.counts[value ?? "all"])}</span></button>`,
      )}
      <button type="button" class="plain clear" disabled=${rows.length === 0} onClick=${onClear}>Clear…</button>
    </div>
    ${held > 0 && html`<button type="button" class="held" onClick=${showTop}>Show ${held} new ${held === 1 ? "message" : "messages"}</button>`}
    <${Trouble} ...${props} />
    <ol onMouseEnter=${() => look(true)} onMouseLeave=${() => look(false)}>
      ${rows.map((row) => html`<${Item} key=${row.id} row=${row} isOn=${row.id === shownId} choose=${choose} />`)}
    </ol>
    ${list !== undefined && list.dropped > 0 && html`<p class="faint note">${counted(list.dropped)} older messages were dropped for want of room.</p>`}
  </section>`;
}

/** Loading, an error, or nothing. */
function Trouble({ rows, list, isSlow, fault, again, isSearch, channel }: ListProps): VNode | null {
  if (fault !== undefined)
    return html`<div class="empty" role="alert">
      <p>The list could not be read: ${fault}. It is read again when the next message arrives; what arrives is kept meanwhile.</p>
      <button type="button" onClick=${again}>Try again now</button>
    </div>`;
  if (list === undefined)
    return isSlow
      ? html`<div class="note stack-v" aria-busy="true"><span class="bone w2"></span><span class="bone w1"></span><span class="bone w3"></span></div>`
      : null;
  if (rows.length > 0) return null;
  if (isSearch || (channel !== undefined && list.arrived + list.rejected > 0))
    return html`<div class="empty"><p>Nothing that is kept matches this search.</p></div>`;
  return html`<div class="empty">
    <h2>Nothing arrived yet</h2>
    <p>Every push, text and mail that is sent to the simulated providers appears here at once, also those they reject.</p>
    <p>Send one: <code>make up</code> prints a command that does.</p>
  </div>`;
}

function Item({ row, isOn, choose }: { row: Summary; isOn: boolean; choose(id: number): void }): VNode {
  const { id, device, toShort, arrivedAt } = row;
  const name = device === "phone" || device === "mailbox" ? toShort || "nobody" : html`<span class="mono">${toShort || "nobody"}</span>`;
  return html`<li class=${classes("item", isOn && "on")}>
    <div class="meta"><a href="#detail" id=${`item-${id}`} aria-current=${isOn ? "true" : undefined} onClick=${() => choose(id)}>${DEVICE_NAMES[device]}</a>
      <span class="to">to ${name}</span> <time datetime=${instant(arrivedAt)}>${clock(arrivedAt)}</time></div>
    ${row.accepted ? html`<${Card} row=${row} />` : html`<${Rejection} row=${row} />`}
    ${row.accepted && row.fault !== undefined && html`<p class="faint">${providerName(row.provider)} took it: ${row.fault}</p>`}
  </li>`;
}

function Rejection({ row: { answer, fault } }: { row: Summary }): VNode {
  return html`<p><span class="state bad">Rejected by the sandbox</span> <span class="dim">${fault ?? answer}</span></p>`;
}
