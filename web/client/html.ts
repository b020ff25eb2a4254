import htm from "htm";
import { type ComponentChildren, h, type VNode } from "preact";

type Template = (strings: TemplateStringsArray, ...values: unknown[]) => VNode;

/** Markup as a tagged template: html`<p class="dim">${text}</p>`. Texts are never markup. Its declared types are those of CommonJS, where it is no default. */
export const html = (htm as unknown as { bind(create: typeof h): Template }).bind(h);

export type Children = ComponentChildren;

/** The names that apply, for a class attribute. */
export const classes = (...names: (string | false | undefined)[]): string => names.filter(Boolean).join(" ");
