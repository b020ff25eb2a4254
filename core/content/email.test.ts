import assert from "node:assert/strict";
import { test } from "node:test";
import { EMAIL_BYTES_MAX, emailBytes } from "./email.ts";

test("counts UTF-8 bytes of subject, html and text", () => {
  assert.equal(emailBytes({ subject: "é", html: "<b>€</b>", text: "😀" }), 2 + 10 + 4);
});

test("stays far below the providers' limits even if every byte were escaped", () => {
  assert.ok(EMAIL_BYTES_MAX * 6 < 25_000_000);
});
