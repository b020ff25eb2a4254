// The sandbox's inbox in a real Chromium, with the whole system sending: what arrives is seen and found, and a mail can do nothing.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { Page } from "playwright-core";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { eventually } from "../support/eventually.ts";
import { startTestSandbox } from "../support/raw-client.ts";
import { openPage } from "./chromium.ts";
import { choose, items, pane, shown, useInbox } from "./inbox.ts";
import { APNS, FCM, KOREAN_CODE, RECEIPT_TEXT, sendMail, sendPush, sendText } from "./shop-messages.ts";

const inbox = useInbox();
const heading = (page: Page) => page.locator("#subject");

test("what is sent on each channel appears by itself, as its device shows it", async () => {
  await using opened = await inbox.open();
  const { page, system } = opened;
  await page.getByText("Nothing arrived yet").waitFor();
  const laptop: Endpoint = { channel: "webpush", ...system.sandbox.webPushSubscription("dana-laptop") };
  await sendPush(system, APNS, "Parcel 1000 arrives today.");
  await page.locator(".item .push.ios").getByText("Parcel 1000 arrives today.").waitFor();
  await items(page).getByText("…c757").waitFor();
  await sendPush(system, FCM, "Parcel 1001 arrives today.");
  await page.locator(".item .push.android").getByText("Parcel 1001 arrives today.").waitFor();
  await sendPush(system, laptop, "Parcel 1003 arrives today.", { clickUrl: "https://shop.example.com/orders/1003" });
  await page.locator(".item .push.web").getByText("shop.example.com").waitFor();
  await items(page).getByText("dana-laptop").waitFor();
  await sendText(system, "+15550100101", "482913 is your code. It is good for 5 minutes.");
  await shown(page, "1 segment · GSM-7 · 46 of 160 characters");
  await sendText(system, "+15550100142", KOREAN_CODE);
  await shown(page, `2 segments · UCS-2 · ${KOREAN_CODE.length} characters, 67 each`);
  assert.equal(await page.locator(".item .bubble[lang=ko]").count(), 1);
  await sendMail(system, "ada@example.com", { subject: "Your receipt", text: RECEIPT_TEXT });
  await shown(page, "Your receipt");
  await page.getByText("Live · 6 arrived, 0 rejected").waitFor();
  for (const [name, count] of [
    ["All", 6],
    ["Push", 3],
    ["SMS", 2],
    ["E-mail", 1],
  ] as const)
    await page.getByRole("button", { name: `${name} ${count}`, exact: true }).waitFor();
  await page.getByRole("button", { name: "Push 3" }).click();
  await eventually("only pushes are listed", async () => (await items(page).count()) === 3);
  assert.deepEqual(opened.faults, []);
});

test("a message is found by recipient and by words, and has its timeline from acceptance to receipt", async () => {
  await using opened = await inbox.open();
  const { page, system } = opened;
  await sendText(system, "+15550100101", "482913 is your code.");
  await sendMail(system, "ada@example.com", { subject: "Your receipt", text: RECEIPT_TEXT });
  await page.getByRole("searchbox").fill("bell founders ADA@");
  await eventually("one is listed", async () => (await items(page).count()) === 1);
  await choose(page, "Your receipt");
  await pane(page).getByText("Delivered", { exact: true }).waitFor();
  await page.getByRole("tab", { name: /Timeline/ }).click();
  const titles = page.locator(".timeline b");
  await titles.getByText("Receipt taken: delivered").waitFor();
  assert.deepEqual(
    (await titles.allInnerTexts()).toReversed().filter((title) => !title.startsWith("Receipt sent")),
    ["Accepted and stored", "Attempt 1 begun", "Arrived at SendGrid", "Attempt 1: accepted", "Receipt taken: delivered"],
  );
  await page.getByRole("tab", { name: "Text" }).click();
  assert.equal(await page.getByLabel("The text").innerText(), RECEIPT_TEXT);
  await page.getByRole("tab", { name: /Headers/ }).click();
  await page.locator(".kv").getByText("Juniper Books <orders@carillon.dev>").waitFor();
  await page.getByRole("tab", { name: "Raw" }).click();
  assert.match(await page.getByLabel("The request").innerText(), /^POST \/v3\/mail\/send\n[\s\S]*authorization: Bearer sha256:/);
  await page.getByRole("searchbox").fill("nobody@example.com");
  await page.getByText("Nothing that is kept matches this search.").waitFor();
});

/** Counts what asks it. */
async function startStranger() {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(200, { "content-type": "image/svg+xml" });
    response.end('<svg xmlns="http://www.w3.org/2000/svg"/>');
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, asked, [Symbol.dispose]: () => server.close() };
}

test("a mail runs no script, sends nothing and fetches nothing; without the frame it would", async () => {
  using stranger = await startStranger();
  const { origin, asked } = stranger;
  const html = `<h1>Mail</h1><img src="${origin}/picture.svg" alt="p"><div style="background:url(${origin}/background.svg)">b</div>
    <link rel="preconnect" href="${origin}"><link rel="stylesheet" href="${origin}/style.css"><meta http-equiv="refresh" content="0;url=${origin}/refresh">
    <img src="x:" onerror="fetch('${origin}/handler')" alt=""><script>fetch("${origin}/script"); parent.document.title = "taken"</script>
    <iframe src="${origin}/frame"></iframe><object data="${origin}/object"></object><video poster="${origin}/poster.svg"></video>
    <form action="${origin}/form" method="post"><button>Send</button></form><a href="${origin}/link">A link</a>`;
  await using opened = await inbox.open();
  const { page, faults, system } = opened;
  await sendMail(system, "ada@example.com", { subject: "A hostile mail", html, text: "t" });
  await choose(page, "A hostile mail");
  const frame = page.frameLocator(".mail iframe");
  await frame.getByText("Mail", { exact: true }).waitFor();
  await page.getByText("Scripts, forms and remote pictures are off in this view.").waitFor();
  assert.match(await pane(page).innerText(), /\b6 remote files were blocked/);
  await frame.getByRole("button", { name: "Send" }).click();
  await frame.getByRole("link", { name: "A link" }).click();
  await eventually(
    "Chromium says what it blocked",
    () => faults.some((fault) => /script/i.test(fault)) && faults.some((fault) => /form/i.test(fault)),
  );
  assert.match(await page.title(), /^A hostile mail · Inbox/);
  assert.equal(asked.length, 0, asked.join(" "));

  // The same mail in a page of its own: the stranger is asked, so the test above can fail.
  await using bare = await openPage(inbox.browser);
  await bare.page.setContent(html);
  await eventually("the stranger was asked", () => asked.includes("/picture.svg") && asked.includes("/script"));
});

test("new messages are counted, not inserted, while somebody points at the list", async () => {
  await using opened = await inbox.open();
  const { page, system } = opened;
  await sendText(system, "+15550100101", "The first one.");
  await choose(page, "The first one.");
  await sendText(system, "+15550100102", "The second one.");
  await page.getByRole("button", { name: "Show 1 new message" }).waitFor();
  assert.equal(await items(page).count(), 1);
  await page.getByText("Live · 2 arrived, 0 rejected").waitFor();
  await page.getByRole("button", { name: "Show 1 new message" }).click();
  await shown(page, "The second one.");
  assert.equal(await heading(page).innerText(), "The first one.");
});

test("by keyboard alone: skip, search, move, tabs, clear, help, and single keys can be turned off", async () => {
  await using opened = await inbox.open();
  const { page, system } = opened;
  for (const n of [1, 2, 3]) await sendMail(system, "ada@example.com", { subject: `Mail ${n}`, text: `Text ${n}` });
  await shown(page, "Mail 3");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate("document.activeElement.textContent"), "Skip to the message");
  await page.keyboard.press("/");
  assert.equal(await page.evaluate("document.activeElement.id"), "q");
  await page.keyboard.type("j1");
  assert.equal(await page.getByRole("searchbox").inputValue(), "j1");
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.press("Delete");
  await page.keyboard.press("Escape");
  await shown(page, "Mail 3");
  for (const [key, subject] of [
    ["j", "Mail 2"],
    ["j", "Mail 1"],
    ["j", "Mail 1"],
    ["k", "Mail 2"],
  ] as const) {
    await page.keyboard.press(key);
    await heading(page).getByText(subject, { exact: true }).waitFor();
    assert.equal(await page.evaluate("document.activeElement.closest('.item')?.className"), "item on");
  }
  const selected = () => page.locator("[role=tab][aria-selected=true]").innerText();
  for (const [key, tab] of [
    ["2", /Text/],
    ["3", /Headers/],
    ["4", /Raw/],
    ["5", /Timeline/],
    ["1", /Rendered/],
  ] as const) {
    await page.keyboard.press(key);
    await eventually(`tab ${key}`, async () => tab.test(await selected()));
  }
  await page.locator("[role=tab][aria-selected=true]").focus();
  await page.keyboard.press("ArrowLeft");
  await eventually("the last tab", async () => /Timeline/.test(await selected()));
  assert.match(String(await page.evaluate("document.activeElement.textContent")), /Timeline/);
  assert.equal(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle"), "solid");

  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.match(String(await page.evaluate("document.activeElement.textContent")), /Timeline/, "focus is back where it was");

  await page.keyboard.press("Delete");
  await page.getByRole("button", { name: "Clear 3 messages" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("Nothing arrived yet").waitFor();

  await page.keyboard.press("?");
  await page.getByLabel("Single keys act outside of fields").uncheck();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("/");
  assert.notEqual(await page.evaluate("document.activeElement.id"), "q");
});

test("says since when it is not live, and keeps what it shows", async () => {
  await using opened = await openPage(inbox.browser);
  const { page } = opened;
  await using sandbox = await startTestSandbox();
  await page.clock.install();
  await page.goto(`${sandbox.adminUrl}/inbox`);
  await page.getByText(/^Live · 0 arrived/).waitFor();
  await sandbox[Symbol.asyncDispose]();
  await page.clock.runFor(15_000);
  await page.getByText(/^Not live since \d\d:\d\d:\d\d UTC$/).waitFor();
  await page.getByText("0 arrived, 0 rejected").waitFor();
});
