import type { VNode } from "preact";
import { html } from "./html.ts";

export const BrandMark = (): VNode =>
  html`<svg class="mark" viewBox="0 0 24 24" fill="currentColor" aria-hidden="true"><path d="M2 3h20v1.8H2z" /><path d="M8.1 4.8h1.8v2.7H8.1z" /><path
    d="M3.6 17c1.6-1.1 2-3.1 2-5.3 0-2.6 1.3-4.2 3.4-4.2s3.4 1.6 3.4 4.2c0 2.2.4 4.2 2 5.3z" /><circle cx="9" cy="19.2" r="1.7" /><path
    d="M17.6 4.8h1.4v2.4h-1.4z" /><path d="M14.9 13.2c1-.7 1.3-1.9 1.3-3.3 0-1.7.8-2.7 2.1-2.7s2.1 1 2.1 2.7c0 1.4.3 2.6 1.3 3.3z" /><circle cx="18.3"
    cy="14.9" r="1.2" /></svg>`;
