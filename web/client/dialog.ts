import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type Children, html } from "./html.ts";

interface DialogProps {
  title: string;
  close(): void;
  /** Esc does not close it, and calls this instead: it shows what is lost once it is closed. */
  keep?: (() => void) | undefined;
  children?: Children;
}

/** Focus moves into it and, once it is closed, back to where it was: the platform does that for a modal dialog. */
export function Dialog({ title, close, keep, children }: DialogProps): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  // Some browsers close it at the second Esc whatever an event says, so the key itself is stopped, too.
  const stay = (event: Event) => {
    if (keep === undefined || (event instanceof KeyboardEvent && event.key !== "Escape")) return;
    event.preventDefault();
    keep();
  };
  useEffect(() => {
    dialog.current?.showModal();
    return () => dialog.current?.close();
  }, []);
  return html`<dialog class="panel" aria-labelledby="dialog" ref=${dialog} onKeyDown=${stay} onCancel=${stay} onClose=${close}>
    <header><h2 id="dialog">${title}</h2></header>
    <div class="body stack-v">${children}</div>
  </dialog>`;
}
