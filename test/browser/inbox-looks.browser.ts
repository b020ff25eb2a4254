// The sandbox's inbox as people see it, in light and dark and at each width: it can be read and used, and asks nobody else for anything.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { fresh } from "../support/fresh.ts";
import { choose, pane, useInbox } from "./inbox.ts";
import { checkSight, draw, requestsElsewhere, THEMES, WIDTHS } from "./page-checks.ts";
import { sendShopMessages } from "./shop-messages.ts";

const inbox = useInbox();

/** Each thing the page may show. */
const SIGHTS: readonly (readonly [what: string, see: (page: Page) => Promise<unknown>])[] = [
  ["a mail", (page) => choose(page, "Your receipt for order 1000")],
  ["headers", (page) => page.getByRole("tab", { name: /Headers/ }).click()],
  ["the raw request", (page) => page.getByRole("tab", { name: "Raw" }).click()],
  ["a timeline", (page) => page.getByRole("tab", { name: /Timeline/ }).click()],
  ["a text", (page) => choose(page, "482913 is your code")],
  ["a rejected text", (page) => choose(page, "Rejected by the sandbox")],
  ["a push", (page) => choose(page, "Parcel 1000")],
  ["the keys", (page) => page.keyboard.press("?")],
];
test("everything it shows: axe finds nothing serious, nothing scrolls sideways, nothing comes from elsewhere", async () => {
  await sendShopMessages(inbox.system, fresh("order-1000-ada-receipt"));
  for (const colorScheme of THEMES)
    for (const width of WIDTHS) {
      await using opened = await inbox.open({ colorScheme, viewport: { width, height: 900 } });
      const { page, requests, faults, system } = opened;
      const check = (what: string) => checkSight(page, `${what}, ${colorScheme}, ${width}`);
      await check("the list");
      for (const [what, see] of SIGHTS) {
        if (width < 900 && (await page.getByText("All messages").isVisible()) && what.startsWith("a ") && what !== "a timeline")
          await page.getByText("All messages").click();
        await see(page);
        await check(what);
      }
      await page.keyboard.press("Escape");
      assert.deepEqual(requestsElsewhere(requests, system.sandbox.adminUrl), []);
      assert.deepEqual(faults, []);
    }
});

test("the inbox as people see it", async () => {
  await sendShopMessages(inbox.system, "order-1000-ada-receipt");
  for (const colorScheme of THEMES)
    for (const [name, width, height] of [
      ["inbox", 1_440, 900],
      ["inbox-phone", 390, 844],
    ] as const) {
      await using opened = await inbox.open({ colorScheme, viewport: { width, height }, deviceScaleFactor: width < 500 ? 2 : 1 });
      const { page } = opened;
      await choose(page, "Your receipt for order 1000");
      await pane(page).getByText("Delivered", { exact: true }).waitFor();
      await page.frameLocator(".mail iframe").getByText("Thank you, Ada.").waitFor();
      await page.getByText("to +15550100117, 2 of 3 left").waitFor();
      await page.mouse.move(width - 1, 0);
      await draw(page, `${name}-${colorScheme}`, { fullPage: width < 500 });
    }
});
