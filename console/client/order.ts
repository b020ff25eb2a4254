// What every dialog is made of in which somebody gives an order: its fields, its sending, and what came of it.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Dialog } from "../../web/client/dialog.ts";
import { html } from "../../web/client/html.ts";
import { sendJson } from "../../web/client/load.ts";

/** Does the work once; what went wrong is said. `submitting` makes it what a form does. */
export function useOrder<T>() {
  const [result, setResult] = useState<T>();
  const [fault, setFault] = useState("");
  const [isBusy, setBusy] = useState(false);
  const run = async (work: () => Promise<T>) => {
    setBusy(true);
    setFault("");
    try {
      setResult(await work());
    } catch (error) {
      setFault((error as Error).message);
    } finally {
      setBusy(false);
    }
  };
  const submitting = (work: () => Promise<T>) => (event: Event) => {
    event.preventDefault();
    void run(work);
  };
  /** The order has changed: what was answered to the one before no longer holds. */
  const forget = () => {
    setResult(undefined);
    setFault("");
  };
  return { result, fault, isBusy, run, submitting, forget };
}

/** Posts an order, and has the screen read again what it changed. */
export async function post<T>(path: string, order: unknown, changed: () => void): Promise<T> {
  const answer = await sendJson<T>("POST", path, order);
  changed();
  return answer;
}

export const Reason = ({ value, set }: { value: string; set(text: string): void }) =>
  html`<p class="field"><label for="reason">Reason, for the log of actions</label>
    <input id="reason" autocomplete="off" required maxlength="500" value=${value} onInput=${(event: Event) => set((event.target as HTMLInputElement).value)} /></p>`;

export const said = (fault: string) => (fault === "" ? "" : html`<p role="alert"><span class="state bad">Not done</span> ${fault}</p>`);

interface ChoiceProps {
  id: string;
  label: string;
  value: string;
  set(value: string): void;
  options: readonly (readonly [value: string, name: string])[];
  /** Stands first, and has to be replaced by a choice; absent: the first option is chosen. */
  placeholder?: string;
}

export const Choice = ({ id, label, value, set, options, placeholder }: ChoiceProps): VNode =>
  html`<p class="field"><label for=${id}>${label}</label><select id=${id} required=${options.every(([of]) => of !== "")} value=${value} onChange=${(event: Event) => set((event.target as HTMLSelectElement).value)}>
    ${placeholder !== undefined && html`<option value="" key="">${placeholder}</option>`}${options.map(([of, name]) => html`<option value=${of} key=${of}>${name}</option>`)}</select></p>`;

export const Checkbox = ({ label, value, set }: { label: string; value: boolean; set(value: boolean): void }): VNode =>
  html`<label class="check"><input type="checkbox" checked=${value} onChange=${(event: Event) => set((event.target as HTMLInputElement).checked)} /> ${label}</label>`;

export const Done = ({ words, close }: { words: string; close(): void }): VNode =>
  html`<${Dialog} title="Done" close=${close}><p role="status">${words}</p><div class="actions"><button type="button" onClick=${close}>Close</button></div><//>`;
