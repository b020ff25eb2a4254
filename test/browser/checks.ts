import axe from "axe-core";
import type { Page } from "playwright-core";

/** Serious and critical findings, as one line each. */
export async function axeFaults(page: Page): Promise<string[]> {
  // By the debugger, which no content security policy binds.
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as axe.AxeResults;
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** Whether it scrolls sideways. */
export const isWide = (page: Page) => page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");
