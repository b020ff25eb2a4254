import { type Html, html } from "../../runtime/http/html.ts";
import type { HttpResponse } from "../../runtime/http/server.ts";
import { STYLE_SHEETS } from "./assets.ts";
import { LANGUAGES, type Language } from "./language.ts";

/** Whom the page is from, as people read it. */
export interface BrandView {
  name: string;
  /** Of its style sheet and logo, relative to a page; undefined: it has none of its own. */
  styles?: string | undefined;
  logo?: string | undefined;
}

export interface Page {
  language: Language;
  /** Undefined: unknown, because the link is not valid. */
  brand?: BrandView | undefined;
  title: string;
  body: Html;
  footer?: Html | undefined;
  /** For a table; else lines are kept short. */
  isWide?: boolean;
}

/** Each language's name in itself. */
const NAMES: Readonly<Record<Language, string>> = { en: "English", ko: "한국어" };

/** Loads from this origin alone, no scripts, no framing, and forms that post to this origin. */
const POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": POLICY,
  // The URL is the recipient's own.
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "x-robots-tag": "noindex",
};

/** A recipient's page as it is sent: whole without scripts, and readable by a screen reader in its language. */
export const pageAnswer = (status: number, page: Page, headers: Readonly<Record<string, string>> = {}): HttpResponse => ({
  status,
  body: layout(page).html,
  headers: { ...HEADERS, ...headers },
});

const layout = ({ language, brand, title, body, footer, isWide }: Page): Html => html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<title>${brand === undefined ? title : `${title} · ${brand.name}`}</title>
${[...STYLE_SHEETS, ...(brand?.styles ? [brand.styles] : [])].map((sheet) => html`<link rel="stylesheet" href="${sheet}">\n`)}</head>
<body class="page${isWide ? "" : " narrow"}">
<header class="top"><div>${brand?.logo && html`<img src="${brand.logo}" alt="">`}${brand && html`<b>${brand.name}</b>`}${others(language)}</div></header>
<main>
${body}
</main>
${footer === undefined ? undefined : html`<footer>${footer}</footer>\n`}</body>
</html>
`;

/** The same page in the other languages. */
const others = (language: Language): Html[] =>
  LANGUAGES.filter((other) => other !== language).map(
    (other) => html`<a href="?lang=${other}" lang="${other}" hreflang="${other}">${NAMES[other]}</a>`,
  );
