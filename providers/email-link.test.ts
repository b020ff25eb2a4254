import assert from "node:assert/strict";
import { test } from "node:test";
import type { EmailContent } from "../core/content/email-content.ts";
import { UNSUBSCRIBE_MARKER } from "../core/content/email-unsubscribe.ts";
import { withUnsubscribeLink } from "./email-link.ts";

const URL = "https://hooks.example/u/v1.a.b.c";
/** What a mail with these bodies becomes. */
function linked(html: string, text: string, subject = "News") {
  const email: EmailContent = { subject, html, text };
  return withUnsubscribeLink({ html, text }, email, URL);
}
const shown = (html: string) => html.replaceAll(/ style="[^"]*"/g, "");

test("the link is the last line of html and text", () => {
  const { html, text } = linked("<html><body><p>a</p></body></html>", "a\n");
  assert.equal(shown(html), `<html><body><p>a</p><div><a href="${URL}">Unsubscribe</a></div></body></html>`);
  assert.equal(text, `a\n\nUnsubscribe: ${URL}\n`);
});

test("a body that the mail does not have gets no link", () => {
  assert.equal(linked("", "a").html, "");
  assert.equal(linked("<p>a</p>", "").text, "");
});

test("the link takes the place of the marker, wherever it is", () => {
  const marked = linked(`<p><a href="${UNSUBSCRIBE_MARKER}">leave</a> or <a href="${UNSUBSCRIBE_MARKER}">go</a></p>`, "a");
  assert.equal(marked.html, `<p><a href="${URL}">leave</a> or <a href="${URL}">go</a></p>`);
  assert.equal(marked.text, `a\n\nUnsubscribe: ${URL}\n`);
  const both = linked("<p>a</p>", `leave: ${UNSUBSCRIBE_MARKER}`);
  assert.equal(both.text, `leave: ${URL}`);
  assert.match(both.html, /Unsubscribe/);
});

const LANGUAGES: readonly (readonly [html: string, subject: string, word: string])[] = [
  ['<html lang="ko"><body>a</body></html>', "News", "수신 거부"],
  ["<HTML class=x LANG='ko-KR'><body>a</body></HTML>", "News", "수신 거부"],
  ["<p>a</p>", "새 책 소식", "수신 거부"],
  ['<html lang="en"><body>a</body></html>', "새 책 소식", "Unsubscribe"],
  ['<html lang="fr"><body>a</body></html>', "Nouvelles", "Unsubscribe"],
];
for (const [html, subject, word] of LANGUAGES)
  test(`${html} under ${subject} says ${word}`, () => {
    const { html: made, text } = linked(html, "a", subject);
    assert.ok(made.includes(`>${word}</a>`) && text.includes(`${word}: `));
  });

test("a mail without a URL is as it was", () => {
  const bodies = { html: "<p>a</p>", text: "a" };
  assert.deepEqual(withUnsubscribeLink(bodies, { subject: "s", ...bodies }, undefined), bodies);
});

test("recipients of one content each have their own link", () => {
  const email: EmailContent = { subject: "s", html: "<p>a</p>", text: "a" };
  const texts = ["https://h.example/1", "https://h.example/2"].map((url) => withUnsubscribeLink(email, email, url));
  assert.match(texts[0]!.html, /h\.example\/1"/);
  assert.match(texts[1]!.html, /h\.example\/2"/);
  assert.doesNotMatch(texts[1]!.html, /h\.example\/1"/);
});
