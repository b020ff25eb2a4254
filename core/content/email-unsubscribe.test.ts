import assert from "node:assert/strict";
import { test } from "node:test";
import type { NotificationClass } from "../delivery/channel.ts";
import type { CategoryDefault } from "../preferences/category.ts";
import type { EmailContent, UnsubscribeMode } from "./email-content.ts";
import { withOneClick } from "./email-headers.ts";
import { listIdOf, offersUnsubscribe, UNSUBSCRIBE_MARKER, unsubscribeFaults } from "./email-unsubscribe.ts";

const html = `<a href="${UNSUBSCRIBE_MARKER}">leave</a>`;
const plain: EmailContent = { subject: "s", html: "", text: "t" };
const marked: EmailContent = { ...plain, html };

interface Case {
  class: NotificationClass;
  mode?: UnsubscribeMode;
  marked?: true;
  category?: CategoryDefault;
  transactional?: true;
  /** Whether it has a link, or the field that is wrong. */
  is: boolean | string;
}

const CASES: readonly Case[] = [
  { class: "marketing", is: true },
  { class: "marketing", mode: "one-click", is: true },
  { class: "marketing", mode: "none", is: "content.email.unsubscribe" },
  { class: "marketing", category: "opted-out", is: true },
  { class: "marketing", category: "required", is: "category" },
  { class: "transactional", is: false },
  { class: "transactional", category: "opted-in", is: false },
  { class: "transactional", transactional: true, is: true },
  { class: "transactional", transactional: true, mode: "none", is: false },
  { class: "transactional", transactional: true, category: "required", is: false },
  { class: "transactional", mode: "one-click", is: true },
  { class: "transactional", mode: "one-click", category: "required", is: "content.email.unsubscribe" },
  { class: "transactional", marked: true, is: true },
  { class: "transactional", marked: true, mode: "none", is: "content.email.html" },
  { class: "transactional", marked: true, category: "required", is: "content.email.html" },
  { class: "critical", is: false },
  { class: "critical", mode: "none", is: false },
  { class: "critical", transactional: true, is: false },
  { class: "critical", mode: "one-click", is: "content.email.unsubscribe" },
  { class: "critical", marked: true, is: "content.email.html" },
];

for (const { is, ...c } of CASES) {
  const settings =
    c.category === undefined && !c.transactional
      ? undefined
      : { default: c.category ?? ("opted-in" as const), unsubscribeTransactional: c.transactional };
  const asked = { notificationClass: c.class, category: "news", settings };
  const email: EmailContent = { ...(c.marked ? marked : plain), ...(c.mode === undefined ? {} : { unsubscribe: c.mode }) };
  test(`${JSON.stringify(c)}: ${typeof is === "string" ? `${is} is wrong` : is ? "a link" : "none"}`, () => {
    const fields = unsubscribeFaults(email, asked).map(({ field }) => field);
    assert.deepEqual(fields, typeof is === "string" ? [is] : []);
    if (typeof is === "boolean") assert.equal(offersUnsubscribe(email, asked), is);
  });
}

test("a marker in the text alone is named there", () => {
  const [fault] = unsubscribeFaults(
    { ...plain, text: UNSUBSCRIBE_MARKER },
    { notificationClass: "critical", category: "c", settings: undefined },
  );
  assert.equal(fault?.field, "content.email.text");
});

test("the id of a list is made of category, app and domain", () => {
  assert.equal(listIdOf("shop", "newsletter", "shop.example"), "newsletter.shop.shop.example");
  assert.equal(listIdOf("shop", "news..weekly.", "shop.example"), "news.weekly.shop.shop.example");
  const long = listIdOf("shop", "c".repeat(64), `${"d".repeat(60)}.`.repeat(4).slice(0, -1));
  assert.ok(long.length <= 255);
  assert.match(long, /^c+\.shop\.d/);
});

test("our headers take the place of a caller's, but for its own List-Id", () => {
  const ours = { url: "https://hooks.example/u/t", listId: "news.shop.example" };
  const wanted = { "List-Unsubscribe": "<https://hooks.example/u/t>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" };
  assert.deepEqual(withOneClick({ "X-A": "1" }, ours), { "X-A": "1", "List-Id": "<news.shop.example>", ...wanted });
  const given = {
    "list-unsubscribe": "<mailto:a@b.example>",
    "LIST-UNSUBSCRIBE-POST": "List-Unsubscribe=One-Click",
    "List-ID": "<own.example>",
  };
  assert.deepEqual(withOneClick(given, ours), { "List-ID": "<own.example>", ...wanted });
});
