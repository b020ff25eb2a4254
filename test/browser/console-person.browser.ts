// One person in the console, in a real Chromium with the whole system sending: why something was not sent, and an opt-out by phone that is obeyed.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { openPreferences, preferenceVariables } from "../../adapters/opt-outs/open-preferences.ts";
import { channelToProto } from "../../adapters/wire/convert.ts";
import { contentToProto } from "../../core/content/content.ts";
import type { Category } from "../../core/preferences/category.ts";
import { putCategories } from "../../operations/preferences/categories.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { mail, optOut, phone, register, send, settled, toUser } from "../e2e/calls.ts";
import { eventually } from "../support/eventually.ts";
import { fresh, freshNumber, freshToken } from "../support/fresh.ts";
import type { TestSystem } from "../support/system.ts";
import { useConsole } from "./console.ts";
import { checkSight, draw, requestsElsewhere, THEMES, WIDTHS } from "./page-checks.ts";
import { SHOP_ENV } from "./shop-messages.ts";

let system: TestSystem;
let app: string;
const { open: openConsole, urlOf } = useConsole(SHOP_ENV, async (started, stack) => {
  system = started;
  const { store, redisUrl } = started;
  const log = createLogger("console", "error");
  // As the console itself is given them: with Redis, so that every process obeys.
  const config = readConfig(preferenceVariables, { REDIS_URL: redisUrl });
  const preferences = await openPreferences(config, { store, clock: systemClock, log, stack });
  for await (const { id } of store.apps.list()) app = id;
  const category = (name: string, about: Partial<Category> = {}): Category => ({ name, labels: {}, default: "opted-in", ...about });
  await putCategories(store.apps, app, [
    category("security", { default: "required", order: 1 }),
    category("orders", { order: 2 }),
    category("reminders", { order: 3 }),
    category("newsletter", { default: "opted-out", notificationClass: "marketing", order: 4 }),
  ]);
  return { preferences };
});

const pathOf = (user: string) => `/people#${new URLSearchParams({ app, user })}`;

const content = contentToProto({
  sms: { text: "Your parcel arrives today." },
  email: { subject: "Your parcel", html: "", text: "It arrives today." },
});

interface Somebody {
  user: string;
  number: string;
  address: string;
}

/** With a phone, a mailbox and an iPhone, who takes no mails about orders; one order was sent. */
async function somebody(user = `${fresh("hana")}@example.org`): Promise<Somebody & { id: string }> {
  const [number, address] = [freshNumber(), `${fresh("h")}@example.com`];
  await register(system, user, phone(number));
  await register(system, user, mail(address));
  await register(system, user, { channel: "apns", token: freshToken() });
  await optOut(system, user, { channel: channelToProto("email"), category: "orders" });
  const { notificationId: id } = await send(system, { recipient: toUser(user), category: "orders", content });
  await settled(system, [id]);
  return { user, number, address, id };
}

const matrix = (page: Page) => page.locator("table.matrix tbody tr");
const cell = (page: Page, category: string, channel: string) =>
  matrix(page)
    .filter({ has: page.getByRole("rowheader", { name: new RegExp(`^${category} `) }) })
    .locator(`td[data-label="${channel}"]`);

test("a row of Find leads to the person: what is sent, why not, and what happened", async () => {
  const { user, id, number, address } = await somebody();
  await using opened = await openConsole(`/find#${new URLSearchParams({ app, user })}`);
  const { page, requests, faults } = opened;
  await page.getByRole("link", { name: user, exact: true }).first().click();
  await page.getByRole("heading", { level: 1, name: user }).waitFor();
  await cell(page, "orders", "E-mail").getByText("Opted out").waitFor();
  await cell(page, "orders", "E-mail").getByText("chosen for E-mail, orders").waitFor();
  await cell(page, "orders", "SMS").getByText("Sent").waitFor();
  await cell(page, "security", "SMS").getByText("required").waitFor();
  await cell(page, "newsletter", "SMS").getByText("Not opted in").waitFor();
  await page.locator(".timeline").getByText("E-mail, orders: opted out").waitFor();
  await page.locator("table.recent").getByText("1 suppressed").waitFor();
  const text = await page.locator("body").innerText();
  for (const secret of [number, address]) assert.equal(text.includes(secret), false, secret);
  await page.locator("table.recent a").first().click();
  await page.waitForURL(`**/notifications/${id}`);
  await page.getByRole("link", { name: user, exact: true }).click();
  await page.getByRole("heading", { level: 1, name: user }).waitFor();
  assert.deepEqual(faults, []);
  for (const { url } of requests) assert.equal(decodeURIComponent(url).split("#")[0]?.includes(user), false, "no URL names the person");
});

test("support reveals one person with a reason, for as long as the page is open", async () => {
  const { user, number, address } = await somebody();
  await using opened = await openConsole(pathOf(user), "support");
  const { page } = opened;
  await page.getByRole("button", { name: "Reveal addresses…" }).click();
  await page.getByLabel("Reason, for the log of actions").fill("ok");
  await page.getByRole("button", { name: "Reveal", exact: true }).click();
  await page.getByRole("alert").getByText("at least 3 words").waitFor();
  await page.getByLabel("Reason, for the log of actions").fill("Ticket 46112 asks");
  await page.getByRole("button", { name: "Reveal", exact: true }).click();
  for (const text of [number, address]) await page.getByText(text).waitFor();
  await page.getByRole("button", { name: "Addresses are shown" }).waitFor();
  const [action] = await system.store.steering.actions(undefined, 1);
  assert.deepEqual([action?.actor, action?.action, action?.reason], ["mira@example.com", "reveal", "Ticket 46112 asks"]);
  assert.ok(await page.getByText(action?.target.split("/")[1] ?? "").isVisible(), "the page says how the log names the person");
  await page.reload();
  await page.getByRole("button", { name: "Reveal addresses…" }).waitFor();
  assert.equal(await page.getByText(number).count(), 0);
});

test("an opt-out by phone is recorded by keys alone, and what is sent afterwards obeys it", async () => {
  const { user } = await somebody();
  await using opened = await openConsole("/now", "support");
  const { page, faults } = opened;
  await page.locator("h1").waitFor();
  const { keyboard } = page;
  await keyboard.press("g");
  await keyboard.press("p");
  await page.waitForURL("**/people");
  await page.getByRole("heading", { level: 1, name: "Person" }).waitFor();
  await keyboard.press("/");
  await keyboard.type(user);
  await keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: user }).waitFor();
  await keyboard.press("Escape");
  await keyboard.press("o");
  await page.getByRole("dialog").waitFor();
  const reach = async (id: string) => {
    for (let tabs = 0; tabs < 20; tabs++) {
      if ((await page.evaluate("document.activeElement.id")) === id) return;
      await keyboard.press("Tab");
    }
    assert.fail(`${id} is not reached by Tab`);
  };
  await reach("opt-channel");
  await keyboard.type("SMS");
  await reach("evidence");
  await keyboard.type("Call 19:01, ticket 46112");
  await keyboard.press("Enter");
  await page.getByRole("status").getByText("Recorded.").waitFor();
  await keyboard.press("Escape");
  await cell(page, "orders", "SMS").getByText("chosen for SMS, every category").waitFor();
  await page.locator(".timeline").getByText("SMS, every category: opted out").waitFor();
  await page.locator(".timeline").getByText("“Call 19:01, ticket 46112”").waitFor();
  const { notificationId } = await send(system, { recipient: toUser(user), category: "orders", content });
  const [n] = await settled(system, [notificationId]);
  const text = n?.deliveries.find(({ channel }) => channel === "sms");
  assert.deepEqual([text?.state, text?.reason?.code], ["suppressed", "opted-out"]);
  assert.deepEqual(faults, []);
});

test("an operator undoes an opt-out with evidence", async () => {
  const { user } = await somebody();
  await using opened = await openConsole(pathOf(user));
  const { page } = opened;
  await page.getByRole("button", { name: "Undo an opt-out…" }).click();
  await page.getByLabel("Evidence, for the history").fill("They wrote, ticket 7");
  await page.getByRole("button", { name: "Undo it" }).click();
  await page.getByRole("status").getByText("Undone.").waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await cell(page, "orders", "E-mail").getByText("Sent").waitFor();
});

test("a viewer sees no address, and each control says which role it needs", async () => {
  const { user, number, address } = await somebody();
  await using opened = await openConsole(pathOf(user), "viewer");
  const { page } = opened;
  await page.locator("table.matrix").waitFor();
  await page.getByText("needs the role support").waitFor();
  for (const name of ["Reveal addresses…", /^Record an opt-out…/, "Undo an opt-out…"])
    assert.equal(await page.getByRole("button", { name }).isDisabled(), true, String(name));
  await page.keyboard.press("o");
  assert.equal(await page.getByRole("dialog").count(), 0);
  const text = await page.locator("body").innerText();
  for (const secret of [user, number, address]) assert.equal(text.includes(secret), false, secret);
  const post = (path: string, body: object) =>
    fetch(`${urlOf("viewer")}${path}`, {
      method: "POST",
      headers: { origin: urlOf("viewer"), "content-type": "application/json" },
      body: JSON.stringify({ app, user, ...body }),
    });
  const answer = await (await post("/api/person", {})).text();
  for (const secret of [user, number, address]) assert.equal(answer.includes(secret), false, secret);
  assert.equal((await post("/api/person/reveal", { reason: "I want to see" })).status, 403);
  assert.equal((await post("/api/person/opt-out", { channel: "*", category: "*", how: "phone", evidence: "e" })).status, 403);
});

const DIALOGS = [/^Reveal addresses/, /^Record an opt-out/, /^Undo an opt-out/];
test("axe finds nothing serious, nothing scrolls sideways, nothing comes from elsewhere", async () => {
  const { user } = await somebody();
  for (const colorScheme of THEMES)
    for (const width of WIDTHS) {
      await using opened = await openConsole(pathOf(user), "operator", { colorScheme, viewport: { width, height: 900 } });
      const { page, requests, faults } = opened;
      const check = (what: string) => checkSight(page, `${what}, ${colorScheme}, ${width}`);
      await page.locator("table.matrix").waitFor();
      await check("Person");
      for (const name of DIALOGS) {
        await page.getByRole("button", { name }).click();
        await page.getByRole("dialog").waitFor();
        await check(String(name));
        await page.keyboard.press("Escape");
        await page.getByRole("dialog").waitFor({ state: "detached" });
      }
      await page.getByRole("button", { name: "Reveal addresses…" }).click();
      await page.getByLabel("Reason, for the log of actions").fill("Ticket 46112 asks");
      await page.getByRole("button", { name: "Reveal", exact: true }).click();
      await page.getByRole("button", { name: "Addresses are shown" }).waitFor();
      await check("revealed");
      await page.goto(`${urlOf("operator")}/people`);
      await page.reload();
      await page.getByRole("heading", { level: 1, name: "Person" }).waitFor();
      await check("nobody");
      assert.deepEqual(requestsElsewhere(requests, urlOf("operator")), []);
      assert.deepEqual(faults, []);
    }
});

test("the page of a person as people see it", async () => {
  const user = "hana";
  const { address } = await somebody(user);
  await optOut(system, user, { category: "reminders", channel: channelToProto("sms") });
  system.sandbox.faults.order({ provider: "sendgrid", match: address, times: 1, do: { kind: "webhooks", undelivered: "bounce" } });
  await send(system, { recipient: toUser(user), category: "reminders", content });
  await eventually("the bounce blocks the mailbox", async () => {
    const response = await fetch(`${urlOf("operator")}/api/person`, {
      ...{
        method: "POST",
        headers: { origin: urlOf("operator"), "content-type": "application/json" },
        body: JSON.stringify({ app, user }),
      },
    });
    return (await response.text()).includes("Blocked: bounce");
  });
  // Last: at night in Seoul nothing would be sent.
  await system.store.profiles.put(
    app,
    user,
    { locale: "ko", timeZone: "Asia/Seoul", quietHours: { fromMinute: 0, untilMinute: 420 } },
    systemClock.now(),
  );
  for (const colorScheme of THEMES) {
    await using opened = await openConsole(pathOf(user), "operator", { colorScheme });
    await opened.page.locator("section[aria-labelledby=ends]").getByText("Blocked: bounce").waitFor();
    await draw(opened.page, `console-person-${colorScheme}`);
  }
});
