import htm from "htm";
import { type ComponentChildren, h, type VNode } from "preact";

type Template = (strings: TemplateStringsArray, ...values: unknown[]) => VNode;

/** Markup as a tagged template: html`<p class="dim">${text}</p>`. A text among the values is never parsed as markup. */
// htm declares the types of its CommonJS form, which has no default export.
export const html = (htm as unknown as { bind(create: typeof h): Template }).bind(h);

export type Children = ComponentChildren;

/** The names that apply, for a class attribute. */
export const classes = (...names: (string | false | undefined)[]): string => names.filter(Boolean).join(" ");
