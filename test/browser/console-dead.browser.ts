// The dead letters of the console in a real Chromium: groups, and redrives of them in the background. The store is real; nothing is sent.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { startTestConsole } from "../support/console.ts";
import { insertDeadLetter } from "../support/dead-letter-samples.ts";
import { eventually } from "../support/eventually.ts";
import { fresh } from "../support/fresh.ts";
import { openPage, startChromium } from "./chromium.ts";
import { checkSight, draw, requestsElsewhere, THEMES, WIDTHS } from "./page-checks.ts";

let browser: Browser;
before(async () => {
  browser = await startChromium();
});
after(() => browser?.close());

const rejected = { kind: "rejected", reason: "content" } as const;
const unanswered = { kind: "unanswered", fault: { code: "reset" } } as const;
const DAY_MS = 86_400_000;

/** A store in which so many texts failed, one of them with an unknown outcome, and a console for an operator. */
async function openDead(count: number) {
  const stack = new AsyncDisposableStack();
  const store = stack.use(await openStore("sqlite::memory:"));
  const now = await store.time();
  for (let i = 0; i < count; i++)
    await insertDeadLetter(store, fresh("dead"), [i === 0 ? unanswered : rejected], {
      ...{ reason: { code: "undelivered" }, endedAt: now - DAY_MS + i, expiresAt: now + DAY_MS },
    });
  const server = stack.use(await startTestConsole(store, { name: "mira@example.com", role: "operator" }));
  const open = async (options: Parameters<typeof openPage>[1] = {}) => {
    const opened = await openPage(browser, { viewport: { width: 1_440, height: 900 }, ...options });
    await opened.page.goto(`${server.url}/dead-letters`);
    await groups(opened.page).first().waitFor();
    return opened;
  };
  return { store, open, url: server.url, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const groups = (page: Page) => page.locator("table.dead tbody tr");
const redrives = (page: Page) => page.locator("section.redrive");
const newest = async (store: Store, action: string) => (await store.steering.actions(undefined, 20)).find((one) => one.action === action);

async function begin(page: Page, reason: string): Promise<void> {
  await groups(page).getByRole("button", { name: "Redrive…" }).click();
  await page.getByText(/1 may have been sent/).waitFor();
  await page.getByLabel("Reason, for the log of actions").fill(reason);
  await page.getByRole("button", { name: /^Redrive [1-9]/ }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

test("a group is redriven in the background, and the page says how many of how many, and what became of it", async () => {
  await using dead = await openDead(61);
  await using opened = await dead.open();
  const { page, faults } = opened;
  await begin(page, "The region is enabled");
  await page.getByRole("img", { name: /of 61 done: \d+ redriven, \d+ left out/ }).waitFor();
  const ended = redrives(page).filter({ hasText: "60 redriven; 1 may have been sent" });
  await ended.getByText("Ended", { exact: true }).waitFor();
  await ended.getByText("“The region is enabled”").waitFor();
  const entry = await newest(dead.store, "redrive-group");
  assert.deepEqual(
    [entry?.actor, entry?.target, entry?.result],
    ["mira@example.com", "sms undelivered", "60 redriven; 1 may have been sent"],
  );
  // What is left of the group is counted anew.
  await groups(page).locator("td[data-label=Deliveries]").getByText("1", { exact: true }).waitFor();
  assert.deepEqual(faults, []);
});

test("a redrive is stopped, and gone on with", async () => {
  await using dead = await openDead(2_000);
  await using opened = await dead.open();
  const { page, faults } = opened;
  await begin(page, "A first part");
  await redrives(page).getByRole("button", { name: "Stop" }).click();
  await redrives(page).getByText("Not finished", { exact: true }).waitFor();
  const stopped = await newest(dead.store, "redrive-group");
  assert.match(stopped?.result ?? "", /^stopped by mira@example\.com: \d+ redriven/);
  const left = (await Array.fromAsync(dead.store.notifications.failed(0, Number.MAX_SAFE_INTEGER))).length;
  assert.ok(left > 0 && left < 2_000, `${left} are left`);
  await redrives(page).getByRole("button", { name: "Go on…" }).click();
  await page.getByText(`${left - 1}`, { exact: true }).waitFor();
  await page.getByLabel("Reason, for the log of actions").fill("The rest");
  await page.getByRole("button", { name: `Redrive ${left - 1}`, exact: true }).click();
  const running = redrives(page).filter({ hasText: "“The rest”" });
  await running.getByRole("img", { name: / redriven, / }).waitFor();
  await running.getByRole("button", { name: "Stop" }).click();
  await eventually(
    "the second one was stopped, too",
    async () => (await newest(dead.store, "redrive-group"))?.result?.startsWith("stopped") === true,
  );
  assert.deepEqual(faults, []);
});

test("axe finds nothing serious, nothing scrolls sideways: groups, a running redrive and what became of others", async () => {
  await using dead = await openDead(4_000);
  const endedAt = (await dead.store.time()) - DAY_MS;
  for (let i = 0; i < 40; i++)
    await insertDeadLetter(dead.store, fresh("other"), [rejected], { endedAt, ...(i % 4 > 0 && { reason: { code: "endpoint-gone" } }) });
  const [id, at] = ["000000000000001-000000-left", (await dead.store.time()) - 3_600_000];
  await dead.store.steering.log({
    id,
    at,
    actor: "otto",
    action: "redrive-group",
    target: "email undelivered",
    reason: "r",
    result: "so far: 3 redriven",
  });
  for (const colorScheme of THEMES)
    for (const width of WIDTHS) {
      await using opened = await dead.open({ colorScheme, viewport: { width, height: 900 } });
      const { page, requests, faults } = opened;
      const check = (what: string) => checkSight(page, `${what}, ${colorScheme}, ${width}`);
      await redrives(page).getByText("No result", { exact: true }).waitFor();
      const meter = page.getByRole("img", { name: / redriven, / });
      if (colorScheme === THEMES[0] && width === WIDTHS[0]) await begin(page, "Twilio is back");
      await meter.waitFor();
      await check("a running redrive");
      if (width === WIDTHS[0]) await draw(page, `console-dead-letters-${colorScheme}`);
      await groups(page).getByRole("button", { name: "Redrive…" }).click();
      await page
        .getByRole("dialog")
        .getByText(/may have been sent/)
        .first()
        .waitFor();
      await check("the dialog");
      assert.deepEqual(requestsElsewhere(requests, dead.url), []);
      assert.deepEqual(faults, []);
    }
});
