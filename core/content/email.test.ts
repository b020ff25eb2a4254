import assert from "node:assert/strict";
import { test } from "node:test";
import { emailCodec } from "./email.ts";
import { EMAIL_BYTES_MAX, emailBytes } from "./email-faults.ts";

test("counts UTF-8 bytes of subject, html and text", () => {
  assert.equal(emailBytes({ subject: "é", html: "<b>€</b>", text: "😀" }), 2 + 10 + 4);
});

test("a subject, an html or a text that shows nothing is rejected; one that is absent is not", () => {
  const faultsOf = (subject: string, html: string, text: string) =>
    emailCodec.faults({ subject, html, text }, ["email"]).map((f) => `${f.field} ${f.rule}`);
  for (const nothing of [" ", "\n\t", "\u00a0", "\u200b\u200d", "\u3164"]) {
    assert.deepEqual(faultsOf(nothing, "<b>Dinner</b>", ""), ["content.email.subject email.blank"]);
    assert.deepEqual(faultsOf("Dinner", "", nothing), ["content.email.text email.blank"]);
    assert.deepEqual(faultsOf("Dinner", nothing, "At 7"), ["content.email.html email.blank"], "it would hide the text");
  }
  assert.deepEqual(faultsOf("Dinner", "", "At 7"), []);
  assert.deepEqual(faultsOf("🍲", "<img src='menu.png'>", ""), []);
});

test("stays far below the providers' limits even if every byte were escaped", () => {
  assert.ok(EMAIL_BYTES_MAX * 6 < 25_000_000);
});
