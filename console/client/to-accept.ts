import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { html } from "../../web/client/html.ts";
import type { Said, ToAccept } from "../view-now.ts";
import { Checkbox, useOrder } from "./order.ts";

type Flags = Partial<Record<ToAccept["flag"], boolean>>;

/** What somebody has accepted of what an order would bring with it. */
interface Accepted {
  flags: Flags;
  set(flag: ToAccept["flag"], value: boolean): void;
}

/** An order that may not be done before something is accepted. */
export function useOrderToAccept() {
  const { forget, ...order } = useOrder<Said>();
  const [flags, setFlags] = useState<Flags>({});
  const accepted: Accepted = { flags, set: (flag, value) => setFlags((before) => ({ ...before, [flag]: value })) };
  /** For another order than the one that was answered: what was accepted for that one does not count. */
  const restart = () => {
    forget();
    setFlags({});
  };
  return { ...order, accepted, restart };
}

/** Why an order was not done yet, with a checkbox for each reason. */
export const ToAcceptList = ({ said, of }: { said: Said | undefined; of: Accepted }): VNode | "" =>
  said?.toAccept === undefined
    ? ""
    : html`<div role="alert" class="stack-v"><p><span class="state warn">Not done</span> ${said.said}</p>
      ${said.toAccept.map(
        ({
          flag,
          words,
          label,
          items,
        }) => html`<div key=${flag} class="stack-v"><p>${words}</p><ul>${items.map((item) => html`<li key=${item}>${item}</li>`)}</ul>
        <${Checkbox} label=${label} value=${of.flags[flag] ?? false} set=${(value: boolean) => of.set(flag, value)} /></div>`,
      )}</div>`;
