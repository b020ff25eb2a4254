import type { VNode } from "preact";
import { html } from "../../web/client/html.ts";

/** Heads of a table whose roles are written out, because a narrow one is shown as a list. */
export const heads = (...names: (readonly [name: string, style?: string])[]): VNode =>
  html`<thead role="rowgroup"><tr role="row">${names.map(
    ([name, style]) =>
      html`<th role="columnheader" scope="col" key=${name} class=${style}>${name || html`<span class="sr">Actions</span>`}</th>`,
  )}</tr></thead>`;

/** A button that only operators may press. */
export const operatorButton = (isOperator: boolean, label: unknown, act: () => void): VNode =>
  html`<button type="button" disabled=${!isOperator} title=${isOperator ? undefined : "Needs the role operator"} onClick=${act}>${label}</button>`;

/** The address of a search with this filter. */
export const findLink = (filter: Readonly<Record<string, string>>): string => `/find#${new URLSearchParams(filter)}`;
