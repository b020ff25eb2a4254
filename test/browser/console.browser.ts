// The console in a real Chromium, with the whole system sending: what was sent is found, its story is told, and it can be cancelled and redriven.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { channelToProto } from "../../adapters/wire/convert.ts";
import { contentToProto } from "../../core/content/content.ts";
import { mail, optOut, phone, register, send, settled, toEndpoint, toUser } from "../e2e/calls.ts";
import { eventually } from "../support/eventually.ts";
import { fresh } from "../support/fresh.ts";
import type { TestSystem } from "../support/system.ts";
import { useConsole } from "./console.ts";
import { checkSight, draw, requestsElsewhere, THEMES, WIDTHS } from "./page-checks.ts";
import { APNS, MARKETING, RECEIPT_TEXT, SHOP_ENV } from "./shop-messages.ts";

let system: TestSystem;
const { open: openConsole, urlOf } = useConsole(SHOP_ENV, (started) => {
  system = started;
  return {};
});

const NUMBER = "+15550100117";
/** To a user with a phone, a mailbox and an iPhone: the text waits for its provider, mails are refused by an opt-out. */
async function sendOrder(user: string, key = fresh("order")): Promise<string> {
  await register(system, user, phone(NUMBER));
  await register(system, user, mail(`${user}@example.com`));
  await register(system, user, APNS);
  const region = { status: 400, code: 21408, message: "Permission to send an SMS has not been enabled for the region" };
  system.sandbox.faults.order({ provider: "twilio", match: NUMBER, times: 1_000, do: { kind: "answer", status: 400, body: region } });
  // Otherwise the channel's other provider would send it.
  system.sandbox.faults.order({ provider: "vonage", match: NUMBER, times: 1_000, do: { kind: "answer", status: 401, body: "" } });
  await optOut(system, user, { channel: channelToProto("email"), category: "orders" });
  const { notificationId } = await send(system, {
    ...{ idempotencyKey: key, recipient: toUser(user), category: "orders", tags: { order: "7731" } },
    content: contentToProto({
      push: { title: "Your order is on its way", body: "Parcel 7731 arrives today.", data: {} },
      sms: { text: "Juniper Books: parcel 7731 arrives today." },
      email: { subject: "Order 7731 is on its way", html: "<p>It arrives <b>today</b>.</p>", text: RECEIPT_TEXT },
    }),
  });
  await eventually("the text waits", async () => {
    const n = await system.store.notifications.find(notificationId);
    return (
      n?.deliveries.every(({ state, channel, reason }) => (channel === "sms" ? reason?.code === "misconfigured" : state !== "pending")) ===
      true
    );
  });
  return notificationId;
}

/** Accepted by its provider, and returned by the mailbox's server. */
async function sendBouncing(): Promise<string> {
  const to = `${fresh("ada")}@example.com`;
  system.sandbox.faults.order({ provider: "sendgrid", match: to, times: 1, do: { kind: "webhooks", undelivered: "bounce" } });
  const { notificationId } = await send(system, {
    recipient: toEndpoint(mail(to)),
    content: contentToProto({ email: { subject: "Bounces", html: "", text: "t" } }),
  });
  await settled(system, [notificationId], { is: ({ state }) => state === "failed" });
  return notificationId;
}

const search = async (page: Page, text: string) => {
  await page.getByRole("searchbox").fill(text);
  await page.keyboard.press("Enter");
};
const rows = (page: Page) => page.locator("table.find tbody tr");

test("one box finds by user, tag, number, key and id", async () => {
  const user = fresh("hana");
  const key = fresh("order-7731");
  const id = await sendOrder(user, key);
  await using opened = await openConsole("/find");
  const { page } = opened;
  for (const text of [user, "order=7731", NUMBER]) {
    await search(page, text);
    await page.locator(".chip.on .k").first().waitFor();
    await rows(page)
      .filter({ hasText: id.slice(0, 8) })
      .first()
      .waitFor();
    await page.getByRole("button", { name: /^Remove the filter/ }).click();
    await page.locator(".chip.on .k").waitFor({ state: "detached" });
  }
  await search(page, key);
  await page.waitForURL(`**/notifications/${id}`);
  await page.goBack();
  await search(page, id);
  await page.waitForURL(`**/notifications/${id}`);
  assert.deepEqual(opened.faults, []);
});

test("states and views filter, and say with which filter", async () => {
  const user = fresh("hana");
  await sendOrder(user);
  await using opened = await openConsole(`/find#user=${user}`);
  const { page } = opened;
  await eventually("three deliveries are listed", async () => (await rows(page).count()) === 3);
  await page.getByRole("button", { name: "Suppressed", exact: true }).click();
  await eventually("one is listed", async () => (await rows(page).count()) === 1);
  await rows(page).getByText("The recipient opted out of this channel and category.").waitFor();
  await page.getByRole("button", { name: "Waiting", exact: true }).click();
  await rows(page)
    .getByText(/^misconfigured: /)
    .waitFor();
  await page.getByRole("link", { name: /^All that waits/ }).click();
  await page.getByText("State Waiting").waitFor();
});

test("a link with a filter or an app that there is not says so, and leads on", async () => {
  const says: readonly (readonly [link: string, words: RegExp])[] = [
    ["since=banana", /^since must be a moment in ms since the epoch\. /],
    ["state=banana", /^state must be one of pending, /],
    ["banana=1", /^filter has a field that is unknown; known are user, /],
    ["app=nosuch", /^there is no app nosuch\. /],
  ];
  await using opened = await openConsole("/find");
  const { page } = opened;
  const results = page.getByRole("region", { name: /deliver/i });
  await results.getByText("Nothing").or(rows(page).first()).first().waitFor();
  for (const [link, words] of says) {
    await page.evaluate(`location.hash = ${JSON.stringify(link)}`);
    await page.getByRole("alert").getByText(words).waitFor();
    assert.equal(await rows(page).count(), 0, link);
    await page.getByRole("link", { name: "Start anew without filters" }).click();
    await page.getByRole("alert").waitFor({ state: "detached" });
  }
  // What is asked of the server is answered with an error, which the browser notes.
  assert.deepEqual(
    opened.faults.filter((fault) => !fault.startsWith("Failed to load resource")),
    [],
  );
});

test("an address that there is not is a page that leads to Now, and JSON for a program", async () => {
  for (const path of ["/nosuch", "/notifications/nosuch"]) {
    await using opened = await openConsole(path);
    await opened.page.getByRole("heading", { name: "There is no such page" }).waitFor();
    await opened.page.getByRole("link", { name: "Go to Now" }).click();
    await opened.page.waitForURL("**/now");
  }
  for (const [path, accept] of [
    ["/api/nosuch", "text/html"],
    ["/nosuch", "application/json"],
  ] as const) {
    const answer = await fetch(`${urlOf("operator")}${path}`, { headers: { accept } });
    assert.deepEqual(
      [answer.status, await answer.json()],
      [404, { error: { code: "path", message: "the console has nothing at this path" } }],
    );
  }
});

test("a notification tells what became of each delivery, why, and what comes next", async () => {
  const id = await sendOrder(fresh("hana"));
  await using opened = await openConsole(`/notifications/${id}`);
  const { page } = opened;
  const table = page.locator("table.deliveries");
  await table.getByText("The provider rejected our credentials or settings; nothing was sent.").waitFor();
  await table.getByText("The recipient opted out of this channel and category.").waitFor();
  await page.locator(".timeline").getByText("Accepted and stored").waitFor();
  await page
    .locator(".timeline")
    .getByText(/^SMS: attempt 1: misconfigured/)
    .waitFor();
  await page.getByRole("tab", { name: "E-mail" }).click();
  await page.frameLocator(".mail iframe").getByText("today").waitFor();
  await page.getByRole("tab", { name: "SMS" }).click();
  await page.getByText("1 segment, GSM-7, 41 characters").waitFor();
  assert.deepEqual(opened.faults, []);
});

test("cancelling says of each delivery what is true, and stands in the log of actions", async () => {
  const id = await sendOrder(fresh("hana"));
  await using opened = await openConsole(`/notifications/${id}`);
  const { page } = opened;
  await page.locator("table.deliveries").waitFor();
  await page.keyboard.press("c");
  await page.getByLabel("Reason, for the log of actions").fill("Wrong parcel date");
  await page.getByRole("button", { name: "Cancel 1", exact: true }).click();
  const answer = page.getByRole("status");
  await answer.getByText("Cancelled before it was sent.").waitFor();
  await answer.getByText("Too late: it had ended.").first().waitFor();
  const [action] = await system.store.steering.actions(undefined, 1);
  assert.deepEqual(
    [action?.actor, action?.action, action?.target, action?.reason, action?.result],
    ["mira@example.com", "cancel", id, "Wrong parcel date", "1 of 3 deliveries cancelled"],
  );
  await page.getByRole("button", { name: "Close" }).click();
  await page.locator("table.deliveries").getByText("Cancelled", { exact: true }).waitFor();
});

test("what failed is redriven with a reason, after what would happen was said", async () => {
  const id = await sendBouncing();
  await using opened = await openConsole(`/notifications/${id}`);
  const { page } = opened;
  await page.getByRole("button", { name: "Redrive 1…" }).click();
  await page.getByText("1 may have been sent").waitFor();
  await page.getByLabel(/Also what may have been sent/).check();
  await page.getByLabel("Reason, for the log of actions").fill("The mailbox was full");
  await page.getByRole("button", { name: "Redrive 1", exact: true }).click();
  await page.getByRole("status").getByText("Redriven", { exact: true }).waitFor();
  const [action] = await system.store.steering.actions(undefined, 1);
  assert.deepEqual([action?.action, action?.result], ["redrive", "1 redriven"]);
});

test("what waits is counted with why, and a class is paused and resumed with a reason", async () => {
  await sendOrder(fresh("hana"));
  await using opened = await openConsole("/now");
  const { page } = opened;
  const channels = page.locator("section[aria-labelledby=channels]");
  await channels.getByRole("link", { name: "The provider rejected our credentials or settings" }).first().waitFor();
  await page.keyboard.press("p");
  await page.getByLabel("What to pause").selectOption("class:marketing");
  await page.getByLabel("Reason, for the log of actions").fill("Keep the rate for codes");
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.getByRole("status").getByText("class:marketing is paused within 5 s.").waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  const [record] = await system.store.steering.list();
  assert.deepEqual([record?.target.value, record?.state, record?.actor], ["marketing", "paused", "mira@example.com"]);
  await page.getByRole("button", { name: "Resume…" }).click();
  await page.getByLabel("Reason, for the log of actions").fill("Over");
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await page.getByRole("status").getByText("class:marketing is resumed; what waited is sent.").waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await page.locator("section[aria-labelledby=log]").getByText("“Keep the rate for codes”").waitFor();
  assert.deepEqual(opened.faults, []);
});

test("a viewer sees no name, key or content, and changes nothing", async () => {
  const user = fresh("hana");
  const key = fresh("order-of-hana");
  const id = await sendOrder(user, key);
  await using opened = await openConsole(`/notifications/${id}`, "viewer");
  const { page } = opened;
  await page.getByText("The content is shown to the role support.").waitFor();
  const text = await page.locator("body").innerText();
  for (const secret of [user, key, NUMBER, "arrives today"]) assert.equal(text.includes(secret), false, secret);
  assert.equal(await page.getByRole("button", { name: /^Cancel/ }).isDisabled(), true);
  const lookOf = async (name: RegExp) => {
    const button = page.getByRole("button", { name });
    await button.hover({ force: true });
    return await button.evaluate("(button) => getComputedStyle(button).color + getComputedStyle(button).borderColor");
  };
  assert.equal(await lookOf(/^Cancel/), await lookOf(/^Redrive/), "a disabled button shows no danger");
  const post = (path: string, body: unknown) =>
    fetch(`${urlOf("viewer")}${path}`, {
      method: "POST",
      headers: { origin: urlOf("viewer"), "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  assert.equal((await post("/api/cancel", { notification: id, reason: "r" })).status, 403);
  assert.equal((await fetch(`${urlOf("viewer")}/api/mails/${id}`)).status, 403);
  const found = (await (await post("/api/find", { filter: { user } })).json()) as { rows: { user: string }[] };
  assert.deepEqual([...new Set(found.rows.map((row) => row.user))], [`${user.slice(0, 2)}…`]);
});

const DIALOGS: readonly (readonly [what: string, key: string])[] = [
  ["the cancel dialog", "c"],
  ["the keys", "?"],
];
test("axe finds nothing serious, nothing scrolls sideways, nothing comes from elsewhere", async () => {
  const user = fresh("hana");
  const id = await sendOrder(user);
  await sendBouncing();
  for (const colorScheme of THEMES)
    for (const width of WIDTHS) {
      await using opened = await openConsole(`/find#user=${user}`, "operator", { colorScheme, viewport: { width, height: 900 } });
      const { page, requests, faults } = opened;
      const check = (what: string) => checkSight(page, `${what}, ${colorScheme}, ${width}`);
      await rows(page).first().waitFor();
      await check("Find");
      await page.goto(`${urlOf("operator")}/now`);
      await page.locator("section[aria-labelledby=channels] td").first().waitFor();
      await check("Now");
      await page.goto(`${urlOf("operator")}/notifications/${id}`);
      await page.locator("table.deliveries").waitFor();
      await check("Notification");
      for (const [what, key] of DIALOGS) {
        await page.keyboard.press(key);
        await page.getByRole("dialog").waitFor();
        await check(what);
        await page.keyboard.press("Escape");
        // A closed one has the keys until it is gone.
        await page.locator("dialog").waitFor({ state: "detached" });
      }
      assert.deepEqual(requestsElsewhere(requests, urlOf("operator")), []);
      assert.deepEqual(faults, []);
    }
});

test("the console as people see it", async () => {
  const id = await sendOrder("hana", "order-7731-hana");
  await send(system, {
    ...{ recipient: toEndpoint(mail("emil@example.com")), notificationClass: MARKETING, category: "newsletter" },
    content: contentToProto({ email: { subject: "Five books for December", html: "", text: RECEIPT_TEXT } }),
  });
  await sendBouncing();
  for (const colorScheme of THEMES)
    for (const [path, name, ready] of [
      ["/find#user=hana", "console-find", "table.find tbody tr"],
      [`/notifications/${id}`, "console-notification", ".timeline li"],
    ] as const) {
      await using opened = await openConsole(path, "operator", { colorScheme });
      const { page } = opened;
      await page.locator(ready).first().waitFor();
      await draw(page, `${name}-${colorScheme}`);
    }
});
