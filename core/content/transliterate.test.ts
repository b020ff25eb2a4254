import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isGsm7, smsSegments } from "./sms.ts";
import { transliterate } from "./transliterate.ts";

test("typographic quotes, dashes, dots and spaces become plain ones", () => {
  for (const [given, sent] of [
    ["\u201cIt\u2019s ready\u201d \u2013 come\u2026", '"It\'s ready" - come...'],
    ["10\u00a0000\u202f€", "10 000 €"],
    ["\u00abHier\u00bb\u2014\u201eda\u201c", '"Hier"-"da"'],
    ["one\u2028two\u200b", "one\ntwo"],
    ["Caf\u0065\u0301 `x`", "Café 'x'"],
  ] as const)
    assert.equal(transliterate(given), sent);
});

test("a text that needs other characters all the same stays as it was written", () => {
  for (const text of ["Ваш код \u2013 123456", "\u201cça va\u201d", "Ready\u2026 🍲"]) assert.equal(transliterate(text), text);
});

test("a text in the GSM alphabet is not changed, and none takes more segments than before", () => {
  const characters = fc.constantFrom(..."aé€ \n\u2019\u2026\u2013\u00a0я🍲");
  fc.assert(
    fc.property(fc.array(characters, { maxLength: 400, size: "max" }), (given) => {
      const text = given.join("");
      const sent = transliterate(text);
      if (isGsm7(text)) assert.equal(sent, text);
      assert.ok(smsSegments(sent).segments <= smsSegments(text).segments);
      assert.equal(transliterate(sent), sent);
    }),
  );
});
