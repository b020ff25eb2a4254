import assert from "node:assert/strict";
import { test } from "node:test";
import { html } from "./html.ts";

test("values are escaped in text and attributes, and html stays", () => {
  const name = `<b onclick='x'>"&`;
  assert.equal(
    html`<i title="${name}">${name}</i>`.html,
    '<i title="&#60;b onclick=&#39;x&#39;&#62;&#34;&#38;">&#60;b onclick=&#39;x&#39;&#62;&#34;&#38;</i>',
  );
  assert.equal(html`<p>${html`<b>${"<"}</b>`}${undefined}${[html`<i></i>`, html`<u></u>`]}</p>`.html, "<p><b>&#60;</b><i></i><u></u></p>");
  assert.equal(html`plain`.html, "plain");
});
