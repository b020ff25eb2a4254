// What every page of ours must pass in a browser, and how its pictures are drawn.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import type { Page } from "playwright-core";

export const THEMES = ["light", "dark"] as const;
/** In CSS pixels: a desk, a phone, and the width at which WCAG 2.1 (1.4.10) asks for no sideways scrolling. */
export const WIDTHS = [1_440, 390, 320];

/** Whether the page scrolls sideways. */
export const isWide = (page: Page) => page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");

/** What every sight of a page must pass: axe finds nothing serious in it, and it does not scroll sideways. */
export async function checkSight(page: Page, where: string): Promise<void> {
  assert.deepEqual(await axeFaults(page), [], where);
  assert.equal(await isWide(page), false, where);
}

/** Requests that went anywhere but to this origin. */
export const requestsElsewhere = <R extends { url: string }>(requests: readonly R[], origin: string): R[] =>
  requests.filter(({ url }) => !url.startsWith(`${origin}/`));

/** Serious and critical findings, as one line each. */
export async function axeFaults(page: Page): Promise<string[]> {
  // By the debugger, which no content security policy binds.
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as axe.AxeResults;
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** Writes a picture of the page into the folder that SCREENSHOTS names. Only when asked, because fonts differ between machines. */
export async function draw(page: Page, name: string, { fullPage = true }: { fullPage?: boolean } = {}): Promise<void> {
  const { SCREENSHOTS } = process.env;
  if (SCREENSHOTS === undefined || SCREENSHOTS === "") return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.evaluate("document.fonts.ready");
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage });
}
