import { after, before } from "node:test";
import type { Browser } from "playwright-core";
import { ROLES, type Role } from "../../console/session.ts";
import type { Environment } from "../../runtime/config.ts";
import { startTestConsole } from "../support/console.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { openPage, startChromium } from "./chromium.ts";

type About = NonNullable<Parameters<typeof startTestConsole>[2]>;

/**
 * The whole system with Chromium, and its console as each role sees it, for the tests of one file.
 * @param start the system's variables, or what starts one with more parts
 * @param prepare gets the system before the consoles start; what it returns is theirs
 */
export function useConsole(
  start: Environment | (() => Promise<TestSystem>),
  prepare: (system: TestSystem, stack: AsyncDisposableStack) => About | Promise<About>,
) {
  const stack = new AsyncDisposableStack();
  const urls = new Map<Role, string>();
  let browser: Browser;
  before(async () => {
    browser = await startChromium();
    const system = stack.use(await (typeof start === "function" ? start() : startSystem(start)));
    const about = { redisUrl: system.redisUrl, natsUrl: system.natsUrl, ...(await prepare(system, stack)) };
    for (const role of ROLES)
      urls.set(role, stack.use(await startTestConsole(system.store, { name: "mira@example.com", role }, about)).url);
  });
  after(async () => {
    await browser?.close();
    await stack.disposeAsync();
  });
  const urlOf = (role: Role): string => urls.get(role)!;
  return {
    urlOf,
    /** A page of the console, drawn as far as its heading. */
    async open(path: string, role: Role = "operator", options: Parameters<typeof openPage>[1] = {}) {
      const opened = await openPage(browser, { viewport: { width: 1_440, height: 900 }, ...options });
      await opened.page.goto(`${urlOf(role)}${path}`);
      await opened.page.locator("h1").first().waitFor();
      return opened;
    },
  };
}
