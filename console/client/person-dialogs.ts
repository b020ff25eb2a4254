import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Dialog } from "../../web/client/dialog.ts";
import { html } from "../../web/client/html.ts";
import type { LiftOrder, OptOutOrder, PersonEndpoint, PersonQuestion, PersonView, Revealed, RevealOrder } from "../person-view.ts";
import { Choice, Done, post, Reason, said, useOrder } from "./order.ts";
import { CHANNEL_NAMES } from "./words.ts";

interface DialogProps {
  about: PersonQuestion;
  close(): void;
  changed(): void;
}

const HOW = [
  ["phone", "Phone"],
  ["letter", "Letter"],
  ["mail", "E-mail"],
] as const;

const Evidence = ({ value, set }: { value: string; set(text: string): void }): VNode =>
  html`<p class="field"><label for="evidence">Evidence, for the history</label>
    <input id="evidence" autocomplete="off" required maxlength="500" placeholder="Call at 19:01, ticket 46112" value=${value} onInput=${(event: Event) => set((event.target as HTMLInputElement).value)} /></p>`;

interface FormProps extends DialogProps {
  title: string;
  path: string;
  order: unknown;
  button: string;
  isDanger?: boolean;
  children?: VNode | VNode[];
}

/** Sends an order once, and says what came of it. */
function OrderDialog({ title, path, order, button, isDanger, close, changed, children }: FormProps): VNode {
  const { result, fault, isBusy, submitting } = useOrder<{ said: string }>();
  const submit = submitting(() => post(path, order, changed));
  if (result !== undefined) return html`<${Done} words=${result.said} close=${close} />`;
  return html`<${Dialog} title=${title} close=${close}><form class="stack-v" onSubmit=${submit}>
    ${children}
    ${said(fault)}
    <div class="actions"><button type="submit" class=${isDanger ? "danger" : "primary"} disabled=${isBusy}>${button}</button><button type="button" onClick=${close}>Not now</button></div>
  </form><//>`;
}

export function OptOutDialog({ person, about, ...rest }: DialogProps & { person: PersonView }): VNode {
  const [channel, setChannel] = useState("*");
  const [category, setCategory] = useState("*");
  const [how, setHow] = useState<OptOutOrder["how"]>("phone");
  const [evidence, setEvidence] = useState("");
  const order: OptOutOrder = { ...about, channel, category, how, evidence };
  return html`<${OrderDialog} ...${rest} about=${about} title="Record an opt-out" path="/api/person/opt-out" order=${order} button="Record it">
    <p>It holds from the moment it is recorded, for what waits, too; opt-ins that it covers end. What a category requires, and single sends of it, go on.</p>
    <${Choice} id="opt-channel" label="Channel" value=${channel} set=${setChannel} options=${[["*", "Every channel"], ...Object.entries(CHANNEL_NAMES)]} />
    <${Choice} id="opt-category" label="Category" value=${category} set=${setCategory} options=${[["*", "Every category"], ...person.categories.map((name) => [name, name] as const)]} />
    <${Choice} id="opt-how" label="How it came" value=${how} set=${setHow} options=${HOW} />
    <${Evidence} value=${evidence} set=${setEvidence} />
  <//>`;
}

export function UndoDialog({ person, about, ...rest }: DialogProps & { person: PersonView }): VNode {
  const [chosen, setChosen] = useState("0");
  const [evidence, setEvidence] = useState("");
  const { channel = "", category = "" } = person.optOuts[Number(chosen)] ?? {};
  const order = { ...about, channel, category, evidence };
  return html`<${OrderDialog} ...${rest} about=${about} title="Undo an opt-out" path="/api/person/undo-opt-out" order=${order} button="Undo it" isDanger=${true}>
    <p>Only when the person asks for it. What they chose besides, or the category's default, holds again.</p>
    <${Choice} id="undo-what" label="Opt-out" value=${chosen} set=${setChosen} options=${person.optOuts.map(({ words }, i) => [String(i), words] as const)} />
    <${Evidence} value=${evidence} set=${setEvidence} />
  <//>`;
}

export function LiftDialog({ endpoint, about, ...rest }: DialogProps & { endpoint: PersonEndpoint | undefined }): VNode {
  const [kind, setKind] = useState(endpoint?.blocks[0] ?? "");
  const [evidence, setEvidence] = useState("");
  const order: LiftOrder = { ...about, endpoint: endpoint?.id ?? "", kind, evidence };
  const kinds = (endpoint?.blocks ?? []).map((one) => [one, one] as const);
  return html`<${OrderDialog} ...${rest} about=${about} title=${`Lift a block of ${endpoint?.endpoint ?? ""}?`} path="/api/person/lift-block" order=${order} button="Lift it" isDanger=${true}>
    <p>Only when the address was verified or the person asks for it. A block that the provider keeps is lifted at the provider.</p>
    <${Choice} id="lift-kind" label="Block" value=${kind} set=${setKind} options=${kinds} />
    <${Evidence} value=${evidence} set=${setEvidence} />
  <//>`;
}

export function RevealDialog({ about, close, changed, shown }: DialogProps & { shown(revealed: Revealed): void }): VNode {
  const [reason, setReason] = useState("");
  const { fault, isBusy, submitting } = useOrder<void>();
  const submit = submitting(async () => {
    shown(await post<Revealed>("/api/person/reveal", { ...about, reason } satisfies RevealOrder, changed));
    close();
  });
  return html`<${Dialog} title="Reveal the addresses of this person?" close=${close}><form class="stack-v" onSubmit=${submit}>
    <p>Shown until this page is left or another person is opened. Who looked, at whom and why stands in the log of actions. At least three words, and no address.</p>
    <${Reason} value=${reason} set=${setReason} />
    ${said(fault)}
    <div class="actions"><button type="submit" class="primary" disabled=${isBusy}>Reveal</button><button type="button" onClick=${close}>Not now</button></div>
  </form><//>`;
}
