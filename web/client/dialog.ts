import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type Children, html } from "./html.ts";

/** Focus moves into it and, once it is closed, back to where it was: the platform does that for a modal dialog. */
export function Dialog({ title, close, children }: { title: string; close(): void; children?: Children }): VNode {
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
