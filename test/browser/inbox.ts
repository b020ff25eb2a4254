import { after, before, beforeEach } from "node:test";
import type { Browser, Page } from "playwright-core";
import { startSystem, type TestSystem } from "../support/system.ts";
import { openPage, startChromium } from "./chromium.ts";
import { SHOP_ENV } from "./shop-messages.ts";

/** The whole system with Chromium, for the tests of one file; each test finds the inbox empty and no fault standing. */
export function useInbox() {
  let browser: Browser;
  let system: TestSystem;
  before(async () => {
    browser = await startChromium();
    system = await startSystem(SHOP_ENV);
  });
  after(async () => {
    await browser?.close();
    await system?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    system.sandbox.faults.clear();
    await fetch(`${system.sandbox.adminUrl}/inbox/api/messages`, { method: "DELETE" });
  });
  return {
    get browser() {
      return browser;
    },
    get system() {
      return system;
    },
    /** The page of the inbox, live, and the system that sends to it. */
    async open(options: Parameters<typeof openPage>[1] = {}) {
      const opened = await openPage(browser, { viewport: { width: 1_440, height: 900 }, ...options });
      await opened.page.goto(`${system.sandbox.adminUrl}/inbox`);
      await opened.page.getByText(/^Live · /).waitFor();
      return { ...opened, system };
    },
  };
}

export const items = (page: Page) => page.locator(".list .item");
export const pane = (page: Page) => page.locator("#detail");
/** Until a message with this text is in the list. */
export const shown = (page: Page, text: string) => items(page).filter({ hasText: text }).first().waitFor();
export const choose = (page: Page, text: string) => items(page).filter({ hasText: text }).first().getByRole("link").click();
