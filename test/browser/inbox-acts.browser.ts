// The buttons at the foot of the sandbox's inbox, with the whole system sending: faults do what they say, and a recipient's acts have their effect.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { contentToProto } from "../../core/content/content.ts";
import { mail, send, settled, toEndpoint } from "../e2e/calls.ts";
import { fresh, freshNumber } from "../support/fresh.ts";
import { choose, pane, shown, useInbox } from "./inbox.ts";
import { MARKETING, sendMail, sendText } from "./shop-messages.ts";

const inbox = useInbox();
const said = (page: Page) => page.locator(".faults [role=status]");
const press = (page: Page, name: string) => page.locator(".faults").getByRole("button", { name, exact: true }).click();

test("an ordered 503 rejects the next mail, which is sent again; what stands is shown, and can be removed", async () => {
  await using opened = await inbox.open();
  const { page, system } = opened;
  await page.getByLabel("Provider", { exact: true }).selectOption("SendGrid");
  await press(page, "503");
  await said(page).getByText("Ordered: SendGrid, 503, next request.").waitFor();
  await page.getByText("SendGrid answers 503, 1 of 1 left").waitFor();
  const to = `${fresh("ada")}@example.com`;
  await sendMail(system, to, { subject: "In spite of it" });
  await page.getByText("503; ordered here, 1 of 1").waitFor();
  await page.getByText("SendGrid answers 503, 1 of 1 left").waitFor({ state: "detached" });
  await shown(page, "In spite of it");

  await page.getByLabel("How often").selectOption("until removed");
  await press(page, "No answer");
  await page.getByText("SendGrid gives no answer, until removed").waitFor();
  await send(system, { recipient: toEndpoint(mail(to)), content: contentToProto({ email: { subject: "Silence", html: "", text: "t" } }) });
  await page.getByText("SendGrid took it: no answer; ordered here").waitFor();
  await page.getByRole("button", { name: /^Remove: / }).click();
  await said(page).getByText("Removed.").waitFor();
  assert.deepEqual(system.sandbox.faults.standing(), []);
});

test("an ordered bounce makes the mail fail, and its message says so", async () => {
  await using opened = await inbox.open();
  const { page, system } = opened;
  await page.getByLabel("Provider", { exact: true }).selectOption("SendGrid");
  await press(page, "Bounce");
  await said(page).getByText("Ordered").waitFor();
  await sendMail(system, `${fresh("ada")}@example.com`, { subject: "Bounces" });
  await choose(page, "Bounces");
  await pane(page).getByText("Failed", { exact: true }).waitFor();
  await page.getByRole("tab", { name: /Timeline/ }).click();
  await page.getByText("Receipt sent: not delivered").waitFor();
});

test("a reply of STOP opts the number out: the next text is not sent", async () => {
  await using opened = await inbox.open();
  const { page, system } = opened;
  const number = freshNumber();
  await sendText(system, number, "Before the STOP.");
  await choose(page, "Before the STOP.");
  await page.getByRole("heading", { name: `Act as ${number}` }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Unsubscribe with one click" }).isDisabled(), true);
  await press(page, "Reply STOP");
  await said(page)
    .getByText(/^STOP was sent to \+15005550006, and answered 20\d/)
    .waitFor();
  const next = await sendText(system, number, "After the STOP.", { notificationClass: MARKETING, category: "newsletter" });
  const [record] = await settled(system, [next]);
  assert.equal(record?.deliveries[0]?.state, "suppressed");
  assert.equal(system.sandbox.ledger.entries({ deliveryId: record?.deliveries[0]?.id }).length, 0);
});

test("one click unsubscribes, and the preference page opens", async () => {
  await using opened = await inbox.open();
  const { page, system } = opened;
  const to = `${fresh("emil")}@example.com`;
  const newsletter = { notificationClass: MARKETING, category: "newsletter" };
  await sendMail(system, to, { subject: "Five books" }, newsletter);
  await choose(page, "Five books");
  await page.getByRole("tab", { name: /Headers/ }).click();
  await page.getByText("One click is offered").waitFor();
  await press(page, "Unsubscribe with one click");
  await said(page).getByText("Unsubscribed: the link answered 200.").waitFor();
  const next = await sendMail(system, to, { subject: "Six books" }, newsletter);
  const [record] = await settled(system, [next]);
  assert.deepEqual([record?.deliveries[0]?.state, record?.deliveries[0]?.reason?.code], ["suppressed", "opted-out"]);
  const opening = page.context().waitForEvent("page");
  await press(page, "Open the preference page");
  const preferences = await opening;
  await preferences.waitForURL(/\/p\/v1\./);
});
