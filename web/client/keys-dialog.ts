import type { VNode } from "preact";
import { Dialog } from "./dialog.ts";
import { html } from "./html.ts";

/** Which keys do what; the first and the last of a range are joined by "–". */
export type KeyRows = readonly (readonly [keys: readonly string[], what: string])[];

interface KeysProps {
  rows: KeyRows;
  isOn: boolean;
  set(isOn: boolean): void;
  close(): void;
}

export function KeysDialog({ rows, isOn, set, close }: KeysProps): VNode {
  const changed = (event: Event) => set((event.target as HTMLInputElement).checked);
  return html`<${Dialog} title="Keys" close=${close}>
    <dl class="kv">
      ${rows.map(
        ([keys, what]) =>
          html`<dt key=${what}>${keys.map((key, i) => html`${i > 0 ? (keys[0] === "1" ? "–" : " ") : ""}<kbd>${key}</kbd>`)}</dt><dd>${what}</dd>`,
      )}
    </dl>
    <label class="check"><input type="checkbox" checked=${isOn} onChange=${changed} /> Single keys act outside of fields</label>
    <div class="actions"><button type="button" onClick=${close}>Close</button></div>
  <//>`;
}
