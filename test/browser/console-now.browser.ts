// The console's Now in a real Chromium, with the whole system sending: an incident is seen, and solved without another tool.
import assert from "node:assert/strict";
import { test } from "node:test";
import { contentToProto } from "../../core/content/content.ts";
import { mail, phone, send, settled, toEndpoint, wentOut } from "../e2e/calls.ts";
import { eventually } from "../support/eventually.ts";
import { rejectKorea } from "../support/rejected-country.ts";
import type { TestSystem } from "../support/system.ts";
import { useConsole } from "./console.ts";
import { checkSight, draw, requestsElsewhere, THEMES, WIDTHS } from "./page-checks.ts";
import { SHOP_ENV } from "./shop-messages.ts";

let system: TestSystem;
const { open: openConsole, urlOf } = useConsole(SHOP_ENV, (started) => {
  system = started;
  return {};
});

const NUMBERS = ["+821055500101", "+821055500102", "+821055500103"];

/** Texts to Korea wait. Resolves with their notifications, and with what gives the other provider credit again. */
async function waitForKorea() {
  const { topUpVonage } = rejectKorea(system.sandbox);
  const ids: string[] = [];
  for (const number of NUMBERS)
    ids.push(
      (await send(system, { recipient: toEndpoint(phone(number)), content: contentToProto({ sms: { text: "482913 is your code." } }) }))
        .notificationId,
    );
  await eventually("the texts wait", async () => {
    const all = await Promise.all(ids.map((id) => system.store.notifications.find(id)));
    return all.every((n) => n?.deliveries[0]?.reason?.code === "misconfigured");
  });
  return { ids, topUpVonage };
}

/** Of the log of actions, the latest first. */
const log = async () =>
  (await system.store.steering.actions(undefined, 9)).map(({ action, target, reason }) => `${action} ${target}: ${reason}`);

test("a country is rejected: the screen says so, and a drain to the other provider sends what waits", async () => {
  const { ids, topUpVonage } = await waitForKorea();
  await using opened = await openConsole("/now");
  const { page } = opened;
  const channels = page.locator("section[aria-labelledby=channels]");
  await channels
    .locator("tr.warm, tr.hot")
    .filter({ hasText: "SMS" })
    .getByText("The provider rejected our credentials or settings")
    .waitFor();
  await page.locator("section[aria-labelledby=circuits] tbody tr").filter({ hasText: "twilio/default" }).first().waitFor();
  await page
    .getByRole("heading", { name: /^SMS by .* is not sent$/ })
    .first()
    .waitFor();
  await page.locator("section[aria-labelledby=promises] li").filter({ hasText: "Nothing accepted is lost" }).getByText("Held").waitFor();

  await page.goto(`${urlOf("operator")}/accounts`);
  const row = page.locator("table.accounts tbody tr").filter({ hasText: "twilio/default" });
  await page.locator("table.accounts tbody tr").filter({ hasText: "vonage/default" }).getByText("misconfigured: no-credit").waitFor();
  await row.getByRole("button", { name: "Drain…" }).click();
  await page.getByLabel("To which provider").selectOption("vonage");
  await page.getByLabel("Reason, for the log of actions").fill("It rejects +82");
  await page.getByRole("button", { name: "Drain", exact: true }).click();
  await page.getByText(/^the circuit of vonage\/default opened at .* \(misconfigured: no-credit\)/).waitFor();
  await checkSight(page, "a drain that was not done");
  assert.deepEqual(await log(), []);
  await page.getByLabel("Drain all the same: deliveries may wait").check();
  topUpVonage();
  await page.getByRole("button", { name: "Drain", exact: true }).click();
  await page
    .getByRole("status")
    .getByText(/^twilio\/default is drained to vonage within 5 s\. .*Then what waits/)
    .waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await row.getByText("Drained to vonage").waitFor();
  await settled(system, ids, { is: wentOut, waitMs: 90_000 });
  for (const id of ids) {
    const deliveryId = `${id}-0`;
    const attempts = await system.store.attempts.between(id, id);
    assert.equal(attempts.find(({ outcome }) => outcome?.kind === "accepted")?.provider, "vonage", deliveryId);
  }
  await row.getByRole("button", { name: "Resume…" }).click();
  await page.getByLabel("Reason, for the log of actions").fill("Korea is enabled");
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await page.getByRole("status").getByText("account:twilio/default is resumed").waitFor();
  assert.deepEqual((await log()).slice(0, 3), [
    "resume account:twilio/default: Korea is enabled",
    "reevaluate channel sms: It rejects +82",
    "drain account:twilio/default to vonage: It rejects +82",
  ]);
  assert.deepEqual(opened.faults, []);
});

test("one app floods: it is paused by keyboard alone, and resumed later", async () => {
  await using opened = await openConsole("/now");
  const { page } = opened;
  await page.locator("section[aria-labelledby=channels] tbody tr").first().waitFor();
  await page.keyboard.press("p");
  const what = page.getByLabel("What to pause");
  await page.getByLabel("How long").selectOption("30");
  await page.getByLabel("Reason, for the log of actions").fill("It floods");
  await page.keyboard.press("Enter");
  assert.equal(await what.evaluate((field) => field.matches(":invalid")), true, "nothing is paused that was not chosen");
  await what.selectOption("app:demo");
  await page.getByLabel("Reason, for the log of actions").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("app:demo is paused within 5 s, for 30 min.").waitFor();
  await page.keyboard.press("Escape");
  const paused = page.locator("section[aria-labelledby=paused] tbody tr").filter({ hasText: "app:demo" });
  await paused.getByText(/^Paused until /).waitFor();
  const { notificationId: id } = await send(system, { recipient: toEndpoint(mail("ada@example.com")) });
  await eventually(
    "it waits for the app",
    async () => (await system.store.notifications.find(id))?.deliveries[0]?.reason?.code === "paused",
  );
  await paused.getByRole("button", { name: "Resume…" }).click();
  await page.getByLabel("Reason, for the log of actions").fill("It is mended");
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("app:demo is resumed; what waited is sent.").waitFor();
  await settled(system, [id], { is: wentOut, waitMs: 60_000 });
  await page.keyboard.press("Escape");
  await page.locator("section[aria-labelledby=log]").getByText("“It floods”").waitFor();
  assert.deepEqual(opened.faults, []);
});

test("numbers change in place while it is live; without answers it says since when it is not", async () => {
  await using opened = await openConsole("/now");
  const { page } = opened;
  const accepted = page.locator("section[aria-labelledby=channels] tbody tr").filter({ hasText: "FCM" }).locator("[data-label=Accepted]");
  await page.locator(".live").waitFor();
  await eventually("it was counted", async () => (await accepted.innerText()) !== "…");
  const before = Number(await accepted.innerText());
  await send(system, { recipient: toEndpoint({ channel: "fcm", token: "fcm-live-9f53ee729d60189cc378da26" }) });
  await eventually("the number grew", async () => Number(await accepted.innerText()) === before + 1);
  let isAway = true;
  await page.route("**/api/now", (route) => (isAway ? route.abort() : route.continue()));
  await page.getByText(/^Not live since \d\d:\d\d:\d\d$/).waitFor();
  assert.equal(Number(await accepted.innerText()), before + 1, "what was read stays");
  isAway = false;
  await page.locator(".live").waitFor();
});

test("a viewer sees all of it, and changes nothing", async () => {
  await using opened = await openConsole("/now", "viewer");
  const { page } = opened;
  await page.locator("section[aria-labelledby=promises] li").first().waitFor();
  assert.equal(
    await page
      .getByRole("button", { name: /^Pause/ })
      .first()
      .isDisabled(),
    true,
  );
  assert.equal(await page.getByRole("button", { name: "Make due…" }).isDisabled(), true);
  await page.keyboard.press("p");
  assert.equal(await page.getByRole("dialog").count(), 0);
});

test("axe finds nothing serious, nothing scrolls sideways, nothing comes from elsewhere", async () => {
  await waitForKorea();
  const url = urlOf("operator");
  for (const colorScheme of THEMES)
    for (const width of WIDTHS) {
      await using opened = await openConsole("/now", "operator", { colorScheme, viewport: { width, height: 900 } });
      const { page, requests, faults } = opened;
      const check = (what: string) => checkSight(page, `${what}, ${colorScheme}, ${width}`);
      await page.locator("section[aria-labelledby=promises] .state.ok").first().waitFor();
      await page.locator(".banner").first().waitFor();
      await check("Now");
      if (width === WIDTHS[0]) await draw(page, `console-now-${colorScheme}`);
      await page.keyboard.press("p");
      await page.getByRole("dialog").waitFor();
      await check("the pause dialog");
      await page.keyboard.press("Escape");
      // A closed one has the keys until it is gone.
      await page.locator("dialog").waitFor({ state: "detached" });
      await page.keyboard.press("g");
      await page.keyboard.press("c");
      await page.waitForURL("**/accounts");
      await page.locator("table.accounts tbody tr").filter({ hasText: "twilio/default" }).first().waitFor();
      await page.getByText(/^Calls: of what was accepted since/).waitFor();
      await check("Accounts");
      if (width === WIDTHS[0]) await draw(page, `console-accounts-${colorScheme}`);
      await page.locator("table.accounts tbody tr").filter({ hasText: "twilio/default" }).getByRole("button", { name: "Drain…" }).click();
      await page.getByLabel("To which provider").waitFor();
      await check("the drain dialog");
      assert.deepEqual(requestsElsewhere(requests, url), []);
      assert.deepEqual(faults, []);
    }
});
