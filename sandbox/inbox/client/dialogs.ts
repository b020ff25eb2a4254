import type { VNode } from "preact";
import { Dialog } from "../../../web/client/dialog.ts";
import { html } from "../../../web/client/html.ts";
import type { KeyRows } from "../../../web/client/keys-dialog.ts";
import { counted } from "../../../web/client/time.ts";
import type { MessageList } from "../view.ts";

export const KEYS: KeyRows = [
  [["/"], "search"],
  [["j", "k"], "next and previous message"],
  [["1", "5"], "tabs of the message"],
  [["Del"], "clear the inbox"],
  [["?"], "these keys"],
  [["Esc"], "close, leave a field"],
];

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
