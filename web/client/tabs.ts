import { Fragment, type VNode } from "preact";
import { type Children, html } from "./html.ts";

export interface Tab {
  id: string;
  label: string;
  count?: number | undefined;
  content(): Children;
}

/** Tabs by click and by arrow keys; only the chosen panel has content. @param label names the list for people who do not see it */
export function Tabs({
  label,
  tabs,
  chosen,
  choose,
}: {
  label: string;
  tabs: readonly Tab[];
  chosen: string;
  choose(id: string): void;
}): VNode {
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const at = tabs.findIndex(({ id }) => id === chosen);
    const next = tabs.at((at + step + tabs.length) % tabs.length);
    if (next === undefined) return;
    choose(next.id);
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return html`<${Fragment}>
    <div class="tabs" role="tablist" aria-label=${label} onKeyDown=${move}>
      ${tabs.map(
        ({ id, label: name, count }) =>
          html`<button type="button" role="tab" key=${id} id=${`tab-${id}`} aria-controls=${`view-${id}`} aria-selected=${String(id === chosen)}
            tabindex=${id === chosen ? 0 : -1} onClick=${() => choose(id)}>${name} ${count === undefined ? "" : html`<span class="n">${count}</span>`}</button>`,
      )}
    </div>
    ${tabs.map(
      ({ id, content }) =>
        html`<div role="tabpanel" key=${id} id=${`view-${id}`} aria-labelledby=${`tab-${id}`} hidden=${id !== chosen}>${id === chosen ? content() : ""}</div>`,
    )}
  <//>`;
}
