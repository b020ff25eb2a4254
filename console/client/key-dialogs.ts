import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Dialog } from "../../web/client/dialog.ts";
import { html } from "../../web/client/html.ts";
import type { KeyCreateOrder, KeyRevokeOrder, KeyRotateOrder, NewKey } from "../view-apps.ts";
import type { Said } from "../view-now.ts";
import { Done, post, Reason, said, useOrder } from "./order.ts";
import { moment } from "./words.ts";

/** What the fields of an order begin with. A life of 0 days has no end. */
const LIFE_DAYS = "0";
const OVERLAP_HOURS = "24";
const DAYS_MAX = 3_650;
const HOURS_MAX = 87_600;

export type KeyAct = { kind: "create"; app: string } | { kind: "rotate" | "revoke"; app: string; keyId: string };

interface KeyProps {
  act: KeyAct;
  close(): void;
  changed(): void;
}

const numberField = (id: string, label: string, value: string, set: (value: string) => void, max: number) =>
  html`<p class="field"><label for=${id}>${label}</label><input id=${id} type="number" min="0" max=${max} step="1" required value=${value} onInput=${(event: Event) => set((event.target as HTMLInputElement).value)} /></p>`;

const ABOUT: Readonly<Record<KeyAct["kind"], string>> = {
  create: "The others stay valid. The key is shown once, because only its hash is stored.",
  rotate: "A new key is made and shown once. This one stays valid for the overlap, so that its holder can change over without a gap.",
  revoke: "Within 5 s no gateway takes it, and calls with it are refused. It cannot be taken back.",
};
const NAMES: Readonly<Record<KeyAct["kind"], string>> = { create: "Make a key", rotate: "Rotate", revoke: "Revoke" };

export function KeyDialog({ act, close, changed }: KeyProps): VNode {
  const [reason, setReason] = useState("");
  const [days, setDays] = useState(LIFE_DAYS);
  const [hours, setHours] = useState(OVERLAP_HOURS);
  const { result, fault, isBusy, submitting } = useOrder<NewKey | Said>();
  const { kind, app } = act;
  const order = orderOf(act, { reason, days: Number(days), hours: Number(hours) });
  const submit = submitting(() => post(`/api/keys/${kind}`, order, changed));
  if (result !== undefined && "key" in result) return html`<${NewKeyDialog} made=${result} app=${app} close=${close} />`;
  if (result !== undefined) return html`<${Done} words=${result.said} close=${close} />`;
  return html`<${Dialog} title=${kind === "create" ? `Make a key of ${app}?` : `${NAMES[kind]} ${act.keyId} of ${app}?`} close=${close}>
    <p>${ABOUT[kind]}</p>
    <form class="stack-v" onSubmit=${submit}>
      ${kind !== "revoke" && numberField("days", "Days until the new key expires; 0: it does not", days, setDays, DAYS_MAX)}
      ${kind === "rotate" && numberField("hours", "Hours for which this one stays valid", hours, setHours, HOURS_MAX)}
      <${Reason} value=${reason} set=${setReason} />
      ${said(fault)}
      <div class="actions"><button type="submit" class="danger" disabled=${isBusy}>${NAMES[kind]}</button><button type="button" onClick=${close}>Not now</button></div>
    </form><//>`;
}

function orderOf(act: KeyAct, { reason, days, hours }: { reason: string; days: number; hours: number }) {
  switch (act.kind) {
    case "create":
      return { app: act.app, days, reason } satisfies KeyCreateOrder;
    case "rotate":
      return { app: act.app, keyId: act.keyId, overlapHours: hours, days, reason } satisfies KeyRotateOrder;
    case "revoke":
      return { app: act.app, keyId: act.keyId, reason } satisfies KeyRevokeOrder;
  }
}

/** Shows a key until the person says that it is stored: Esc does not close it, and leaving the page is asked about. */
function NewKeyDialog({ made: { key, expiresAt }, app, close }: { made: NewKey; app: string; close(): void }): VNode {
  const field = useRef<HTMLInputElement>(null);
  const [words, setWords] = useState("");
  useEffect(() => {
    const ask = (event: Event) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, []);
  const copy = async () =>
    setWords((await copied(key, field.current)) ? "Copied" : "The browser did not copy it. It is selected: press Ctrl+C or ⌘C");
  const keep = () => setWords("It stays open, because the key is shown this once: store it, and press “I have stored it”");
  return html`<${Dialog} title="Done" close=${close} keep=${keep}>
    <p role="status">The new key of ${app}. It is shown this once; ${expiresAt === undefined ? "it does not expire" : `it expires at ${moment(expiresAt)} UTC`}.</p>
    <p class="field"><label for="new-key">Key</label><input id="new-key" class="mono" readonly value=${key} ref=${field} onFocus=${(event: Event) => (event.target as HTMLInputElement).select()} /></p>
    <p aria-live="polite" class="dim">${words}</p>
    <div class="actions"><button type="button" class="primary" onClick=${copy}>Copy</button><button type="button" onClick=${close}>I have stored it</button></div><//>`;
}

/** Without the permission, or where the page came by plain HTTP, by the selection, which stays for the person where that fails, too. */
async function copied(text: string, field: HTMLInputElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field?.focus();
    field?.select();
    return document.execCommand("copy");
  }
}
