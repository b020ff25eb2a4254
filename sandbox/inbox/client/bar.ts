import type { RefObject, VNode } from "preact";
import { BrandMark } from "../../../web/client/brand-mark.ts";
import { html } from "../../../web/client/html.ts";
import { clock, counted, instant } from "../../../web/client/time.ts";
import type { MessageList } from "../view.ts";

interface BarProps {
  search: RefObject<HTMLInputElement>;
  list: MessageList | undefined;
  staleSince: number | undefined;
  onSearch(text: string): void;
  onKeys(): void;
}

export function Bar({ search, list, staleSince, onSearch, onKeys }: BarProps): VNode {
  const counts = list === undefined ? "" : ` · ${counted(list.arrived)} arrived, ${counted(list.rejected)} rejected`;
  return html`<header class="bar">
    <a class="brand" href="/inbox"><${BrandMark} /> Inbox <small>sandbox</small></a>
    <form class="search" role="search" onSubmit=${(event: Event) => event.preventDefault()}>
      <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" aria-hidden="true"><circle cx="7" cy="7" r="4.5" /><path d="m10.5 10.5 3.5 3.5" /></svg>
      <label class="sr" for="q">Recipient, text or id</label>
      <input id="q" type="search" autocomplete="off" maxlength="200" placeholder="Recipient, text or id" ref=${search}
        onInput=${(event: Event) => onSearch((event.target as HTMLInputElement).value)}
        onKeyDown=${(event: KeyboardEvent) => event.key === "Escape" && search.current?.blur()} />
      <span class="hint keys"><kbd>/</kbd></span>
    </form>
    ${
      staleSince === undefined
        ? html`<span class="live">Live${counts}</span>`
        : html`<span role="status"><span class="state warn">Not live since <time datetime=${instant(staleSince)}>${clock(staleSince)}</time> UTC</span>
            <span class="dim">${counts}</span></span>`
    }
    <span class="faint keys"><kbd>j</kbd> <kbd>k</kbd> move · <kbd>1</kbd>–<kbd>5</kbd> tabs · <kbd>Del</kbd> clear</span>
    <button type="button" class="plain keys" onClick=${onKeys}>All keys <kbd>?</kbd></button>
  </header>`;
}
