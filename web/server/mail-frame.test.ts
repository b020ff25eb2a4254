import assert from "node:assert/strict";
import { test } from "node:test";
import { countRemote, mailDocument } from "./mail-frame.ts";

const PRECONNECT = `<link rel=preconnect href="https://evil.example">`;
const MAILS: readonly [what: string, html: string][] = [
  ["plain", `<head>${PRECONNECT}</head>`],
  ["in capitals, with a slash for a space", PRECONNECT.toUpperCase().replace(" ", "/")],
  ["with a line break for a space", PRECONNECT.replace(" ", "\n")],
  ["behind what looks like a CDATA section, which browsers end at the first >", `<p><![CDATA[>${PRECONNECT}]]></p>`],
  ["behind a comment that browsers end at once", `<!-->${PRECONNECT}-->`],
  ["in the style of a picture, which browsers read as markup", `<svg><style><p>${PRECONNECT}</style></svg>`],
  ["behind an element of a picture that ends by a slash", `<svg><script/><p>${PRECONNECT}`],
  ["behind the end of a style", `<style></style >${PRECONNECT}`],
  ["in the text of a frame's document", `<iframe srcdoc="${PRECONNECT.replaceAll('"', "'")}"></iframe>`],
  ["escaped in the text of a frame's document", `<iframe srcdoc="&lt;link rel=preconnect href=https://evil.example>"></iframe>`],
  ["as a page that goes elsewhere", `<![CDATA[><meta http-equiv="refresh" content="0;url=https://evil.example">`],
  ["as another base", `<![CDATA[><base href="https://evil.example">`],
];
// Chromium connects for a preconnect whatever the content security policy says; that it is no element is all that stops it.
for (const [what, html] of MAILS)
  test(`a mail connects to nowhere: ${what}`, () => {
    assert.doesNotMatch(mailDocument(html, []), /<(link|meta|base|iframe)[\s/>]/i);
  });

test("the rest of a mail is shown as it is", () => {
  const html = `<style>p { color: red }</style ><p title="a > b">A link, a base, &lt;meta>, <linked></linked> and <b>more</b></p>`;
  assert.equal(mailDocument(html, []), html);
  const logo = { contentId: "logo", type: "image/png", content: "aGk=" };
  assert.equal(mailDocument(`<img src="cid:logo">`, [logo]), `<img src="data:image/png;base64,aGk=">`);
});

test("what a mail program would fetch is counted, also where somebody put half a megabyte of blanks before it", () => {
  const style = `<style>a { background: url( //x.example/1) } b { background: url(" https://x.example/2") } c { background: url('data:,') }</style>`;
  assert.equal(countRemote(`${style}<p style="background:url( ' //x.example/3')">`), 3);
  assert.equal(countRemote(`<p style="background:url(${" ".repeat(500_000)}/">`), 0);
});
