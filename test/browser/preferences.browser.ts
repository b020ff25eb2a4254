// The pages that recipients see, in a real Chromium: by mouse, by keyboard, without scripts, on narrow screens, in both themes and languages.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { openPage, startChromium } from "./chromium.ts";
import { openJuniperBooks } from "./juniper-books.ts";
import { checkSight, draw, THEMES, WIDTHS } from "./page-checks.ts";

type Books = Awaited<ReturnType<typeof openJuniperBooks>>;
let browser: Browser;
before(async () => {
  browser = await startChromium();
});
after(() => browser?.close());

const at = (books: Books, path: string, language = "en") => `${books.origin}${path}?lang=${language}`;
const said = (page: Page) => page.locator("[role=status]").innerText();
const box = (page: Page, name: string) => page.locator(`input[name="${name}"]`);

const LANGUAGES = ["en", "ko"] as const;
/** Each page that a person may see. */
const PAGES: readonly (readonly [what: string, path: (books: Books) => string, act?: (page: Page) => Promise<void>])[] = [
  ["choices", (books) => books.pathOf()],
  ["choices that were saved", (books) => books.pathOf(), (page) => page.locator("button[name=save]").click()],
  ["a pause", (books) => books.pathOf(), (page) => page.locator("button[name=pause]").click()],
  ["everything off", (books) => books.pathOf(), (page) => page.locator("button[name=everything]").click()],
  ["the question to unsubscribe", (books) => books.unsubscribePathOf()],
  ["its answer", (books) => books.unsubscribePathOf(), (page) => page.locator("button.go").click()],
  ["a link that has ended", () => "/p/x"],
];
for (const [what, path, act] of PAGES)
  test(`${what}: axe finds nothing serious, nothing scrolls sideways, nothing comes from elsewhere`, async () => {
    await using books = await openJuniperBooks();
    for (const colorScheme of THEMES)
      for (const language of LANGUAGES) {
        await using opened = await openPage(browser, { colorScheme });
        const { page, requests, faults } = opened;
        await books.forgetChoices();
        await page.goto(at(books, path(books), language));
        await act?.(page);
        assert.equal(await page.locator("html").getAttribute("lang"), language);
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: 900 });
          await checkSight(page, `${colorScheme} ${language} ${width}`);
        }
        const leaving = requests.filter(({ url, headers }) => !url.startsWith(`${books.origin}/`) || (headers.referer ?? "") !== "");
        assert.deepEqual(
          leaving.map(({ url }) => url),
          [],
        );
        assert.deepEqual(
          faults.filter((fault) => !fault.includes("404")),
          [],
        );
        // Another person's requests have a limit of their own; this one's is full after some.
        books.clock.advance(60_000);
      }
  });

test("by keyboard alone: a box is changed, saved and taken back, and what has the focus is seen", async () => {
  await using books = await openJuniperBooks();
  await using opened = await openPage(browser);
  const { page } = opened;
  await page.goto(at(books, books.pathOf()));
  /** Tab until there. */
  async function reach(selector: string) {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)) {
        assert.notEqual(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle"), "none");
        return;
      }
    }
    assert.fail(`${selector} cannot be reached by Tab`);
  }
  await reach('input[name="reminders.sms"]');
  await page.keyboard.press("Space");
  await reach("button[name=save]");
  await Promise.all([page.waitForResponse((response) => response.request().method() === "POST"), page.keyboard.press("Enter")]);
  await page.getByText("no longer comes by text").waitFor();
  assert.equal(await books.refusedOn("reminders", "sms"), true);
  await reach(".said button");
  await page.keyboard.press("Enter");
  await page.getByText("Undone.").waitFor();
  assert.equal(await books.refusedOn("reminders", "sms"), false);
});

test("without scripts every form works: save, undo, pause, resume, everything off, and the language", async () => {
  await using books = await openJuniperBooks();
  await using opened = await openPage(browser, { javaScriptEnabled: false });
  const { page } = opened;
  await page.goto(at(books, books.pathOf()));
  await box(page, "newsletter.email").check();
  await page.locator("button[name=save]").click();
  assert.match(await said(page), /“Newsletter” now comes by e-mail/);
  assert.deepEqual((await books.record())?.consents, [{ channel: "email", category: "newsletter" }]);
  await page.getByRole("button", { name: "Undo" }).click();
  assert.match(await said(page), /Undone\./);
  assert.equal(await box(page, "newsletter.email").isChecked(), false);
  await page.getByRole("button", { name: "Pause until 30 December" }).click();
  assert.match(await said(page), /Paused until 30 December\./);
  await page.getByRole("button", { name: "Resume now" }).click();
  assert.match(await said(page), /Resumed\./);
  await page.getByRole("button", { name: "Turn everything off" }).click();
  assert.match(await said(page), /Everything is off\./);
  assert.equal(await page.locator("input[type=checkbox]:checked").count(), 0);
  await page.getByRole("link", { name: "한국어" }).click();
  assert.match(await page.locator("h1").innerText(), /수신 설정/);
  await page.getByRole("button", { name: "되돌리기" }).click();
  assert.match(await said(page), /되돌렸습니다/);
  assert.equal(await box(page, "orders.email").isChecked(), true);
});

test("without scripts the link of a mail unsubscribes, and leads to all settings", async () => {
  await using books = await openJuniperBooks();
  await using opened = await openPage(browser, { javaScriptEnabled: false });
  const { page } = opened;
  await page.goto(at(books, books.unsubscribePathOf({ category: "orders" })));
  assert.equal(await books.refusedOn("orders", "email"), false);
  await page.getByRole("button", { name: "Unsubscribe" }).click();
  assert.equal(await books.refusedOn("orders", "email"), true);
  await page.getByRole("link", { name: "All settings" }).click();
  assert.equal(await box(page, "orders.email").isChecked(), false);
  await page.getByRole("button", { name: "Undo" }).click();
  assert.equal(await books.refusedOn("orders", "email"), false);
});

test("of two tabs the second is told, and a blocked box says why", async () => {
  await using books = await openJuniperBooks();
  await using first = await openPage(browser);
  await using second = await openPage(browser);
  for (const { page } of [first, second]) await page.goto(at(books, books.pathOf()));
  await box(first.page, "orders.email").uncheck();
  await first.page.locator("button[name=save]").click();
  await box(second.page, "social.app").uncheck();
  await second.page.locator("button[name=save]").click();
  assert.match(await said(second.page), /Not saved\. Your choices were changed elsewhere/);
  assert.equal(await box(second.page, "orders.email").isChecked(), false);
  const blocked = box(second.page, "newsletter.sms");
  assert.equal(await blocked.isDisabled(), true);
  const reason = second.page.locator(`#${await blocked.getAttribute("aria-describedby")}`);
  assert.match(await reason.innerText(), /Newsletter cannot come by text, because you replied STOP/);
});

for (const language of LANGUAGES)
  for (const colorScheme of THEMES)
    test(`the page as people see it: ${language}, ${colorScheme}`, async () => {
      await using books = await openJuniperBooks();
      await using opened = await openPage(browser, { colorScheme });
      const { page } = opened;
      await page.goto(at(books, books.pathOf(), language));
      await box(page, "reminders.sms").uncheck();
      await page.locator("button[name=save]").click();
      assert.match(
        await said(page),
        language === "en" ? /“Reminders” no longer comes by text/ : /‘예약·반납 안내’ 알림을 문자로 보내지 않습니다/,
      );
      await page.mouse.move(0, 0);
      await draw(page, `preferences-${language}-${colorScheme}`);
    });
