import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type Children, html } from "../../../web/client/html.ts";
import { counted } from "../../../web/client/time.ts";
import type { MessageList } from "../view.ts";

/** Focus moves into it and, once it is closed, back to where it was: the platform does that for a modal dialog. */
function Dialog({ title, close, children }: { title: string; close(): void; children?: Children }): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    return () => dialog.current?.close();
  }, []);
  return html`<dialog class="panel" aria-labelledby="dialog" ref=${dialog} onClose=${close}>
    <header><h2 id="dialog">${title}</h2></header>
    <div class="body stack-v">${children}</div>
  </dialog>`;
}

const KEYS: readonly (readonly [keys: readonly string[], what: string])[] = [
  [["/"], "search"],
  [["j", "k"], "next and previous message"],
  [["1", "5"], "tabs of the message"],
  [["Del"], "clear the inbox"],
  [["?"], "these keys"],
  [["Esc"], "close, leave a field"],
];

export function KeysDialog({ isOn, set, close }: { isOn: boolean; set(isOn: boolean): void; close(): void }): VNode {
  const changed = (event: Event) => set((event.target as HTMLInputElement).checked);
  return html`<${Dialog} title="Keys" close=${close}>
    <dl class="kv">
      ${KEYS.map(
        ([keys, what]) =>
          html`<dt key=${what}>${keys.map((key, i) => html`${i > 0 ? (keys[0] === "1" ? "–" : " ") : ""}<kbd>${key}</kbd>`)}</dt><dd>${what}</dd>`,
      )}
    </dl>
    <label class="check"><input type="checkbox" checked=${isOn} onChange=${changed} /> Single keys act outside of fields</label>
    <div class="actions"><button type="button" onClick=${close}>Close</button></div>
  <//>`;
}

interface ClearProps {
  list: MessageList | undefined;
  clear(): void;
  close(): void;
}

export function ClearDialog({ list, clear, close }: ClearProps): VNode {
  const { kept = 0 } = list ?? {};
  return html`<${Dialog} title="Clear the inbox" close=${close}>
    <p>Removes every message from this page, and sets its counts back. The sandbox's ledger keeps what arrived, and nothing changes at the sender.</p>
    <div class="actions">
      <button type="button" class="danger" disabled=${kept === 0} onClick=${clear}>Clear ${counted(kept)} ${kept === 1 ? "message" : "messages"}</button>
      <button type="button" onClick=${close}>Keep them</button>
    </div>
  <//>`;
}
