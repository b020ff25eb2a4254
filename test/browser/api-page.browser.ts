// The page of the HTTP/JSON API in a real Chromium, with its content security policy.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { apiDocuments } from "../../gateway/api-page/documents.ts";
import { useConnectServers } from "../support/connect-servers.ts";
import { openPage, startChromium } from "./chromium.ts";
import { checkSight } from "./page-checks.ts";

const { serve } = useConnectServers();
let browser: Browser;
before(async () => {
  browser = await startChromium();
});
after(() => browser?.close());

test("axe finds nothing serious, nothing scrolls sideways, its style applies, and it asks for nothing else", async () => {
  const { url } = await serve({}, { documents: apiDocuments() });
  for (const colorScheme of ["light", "dark"] as const) {
    await using opened = await openPage(browser, { colorScheme });
    const { page, requests, faults } = opened;
    await page.goto(`${url}/`);
    for (const width of [1_440, 320]) {
      await page.setViewportSize({ width, height: 900 });
      await checkSight(page, `${colorScheme} ${width}`);
    }
    const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    assert.equal(background, colorScheme === "light" ? "rgb(247, 247, 245)" : "rgb(17, 18, 20)");
    const asked = requests.map((request) => new URL(request.url).pathname).filter((path) => path !== "/favicon.ico");
    assert.deepEqual([asked, faults.filter((fault) => !fault.includes("404"))], [["/"], []]);
  }
});
