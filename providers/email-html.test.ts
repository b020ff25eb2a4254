import assert from "node:assert/strict";
import { test } from "node:test";
import { bodyEnd, textOfHtml, withPreheader } from "./email-html.ts";

const TEXTS: readonly (readonly [what: string, html: string, text: string])[] = [
  ["paragraphs and line breaks", "<p>Dear Ann,<br>thank you</p>\n<p>Bye</p>", "Dear Ann,\nthank you\n\nBye"],
  ["white space as a browser shows it", "<div>  a\n   <b> b </b>c </div>  <div>d</div>", "a b c\nd"],
  [
    "cells that stand apart",
    "<table><tr><td>Sum</td><td>12&nbsp;€</td></tr><tr><td>Tax</td><td>2 €</td></tr></table>",
    "Sum 12 €\nTax 2 €",
  ],
  ["headings as they are written", "<h1>Hi &amp; Bye</h1><p>x</p>", "Hi & Bye\n\nx"],
  ["lists", "<ul><li>one</li><li>two <i>three</i></li></ul>", "* one\n* two three"],
  ["a link's target", '<a href="https://s.example/o?a=1&amp;b=2">here</a>', "here [https://s.example/o?a=1&b=2]"],
  ["no target that the text names already", '<a href="https://s.example/">s.example</a>', "s.example"],
  ["no target of another scheme", '<a href="javascript:alert(1)">x</a> <a href="#top">top</a>', "x top"],
  [
    "no pictures, styles, scripts and titles",
    "<head><title>t</title><style>p{}</style></head><script>1<2</script><p>a<img alt=b></p>",
    "a",
  ],
  ["nothing hidden", '<div style="color:red; DISPLAY : none">pre<div>header</div></div><p hidden>x</p>a', "a"],
  ["an empty link", '<a href="https://s.example"></a>', "[https://s.example]"],
  ["tags left open, and ends of none", "<p>a<p>b</i></div><td>c", "a\n\nb\nc"],
  ["what is no tag", "1 < 2 & 3 &unknown; &#128276;", "1 < 2 & 3 &unknown; 🔔"],
  ["comments for one program", "<!--[if mso]><p>old</p><![endif]-->new", "new"],
  ["characters that fill a line", "a&zwnj;&#847;&shy;b", "ab"],
  ["nothing where nothing is shown", '<img src="https://s.example/1.png"><br>', ""],
];

for (const [what, html, text] of TEXTS) test(`the text of html: ${what}`, () => assert.equal(textOfHtml(html), text));

test("html of half a megabyte has a text, however it is nested or left open", () => {
  for (const piece of ["<div>", "<table><tr><td>", "<ul><li>", '<i style="x">', "</b>", "<", "<!--", "&a", '<a href="', "<a b=c "]) {
    const html = piece.repeat(524_288 / piece.length);
    assert.equal(textOfHtml(html), textOfHtml(html));
  }
  assert.equal(textOfHtml(`<table><tr><td colspan=1000000>a</td><td>b</td></tr></table>`), "a b");
});

const shownOf = (html: string) =>
  withPreheader(html, "42 € <now>").replace(/<div style="display:none[^"]*">(.*?)(&#847;&zwnj;&nbsp;)+<\/div>/, "[$1]");

test("a preheader is the first element of the body, escaped", () => {
  const escaped = "[42 € &#60;now&#62;]";
  assert.equal(shownOf("<p>a</p>"), `${escaped}<p>a</p>`);
  assert.equal(
    shownOf('<html><head></head><BODY class="a>b">a</BODY></html>'),
    `<html><head></head><BODY class="a>b">${escaped}a</BODY></html>`,
  );
  assert.equal(
    shownOf("<!doctype html><html><head><title>t</title></head >a"),
    `<!doctype html><html><head><title>t</title></head >${escaped}a`,
  );
  const outlook = "<!--[if mso]><body><![endif]--><body>";
  assert.equal(shownOf(`${outlook}a`), `${outlook}${escaped}a`);
  assert.equal(withPreheader("<p>a</p>", undefined), "<p>a</p>");
});

const ENDS: readonly string[] = [
  "<p>a</p>|",
  "<html><body><p>a</p>|</body></html>",
  "<HTML><BODY>a|</BODY ></HTML>",
  "<html><p>a</p>|</html>\n",
  "<body>a<!--[if mso]></body><![endif]-->b|</body>",
  "<body>a</body>b|</body>",
  "|",
];
for (const html of ENDS)
  test(`the body ends at | in ${JSON.stringify(html)}`, () => assert.equal(bodyEnd(html.replace("|", "")), html.indexOf("|")));
