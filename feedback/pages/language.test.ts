import assert from "node:assert/strict";
import { test } from "node:test";
import { inLanguage, type Language, languageOf } from "./language.ts";

const CASES: readonly (readonly [given: Parameters<typeof languageOf>[0], language: Language])[] = [
  [{}, "en"],
  [{ accepted: "ko-KR,ko;q=0.9,en;q=0.8" }, "ko"],
  [{ accepted: "fr, en;q=0.5, ko;q=0.7" }, "ko"],
  [{ accepted: "ko;q=0, en" }, "en"],
  [{ accepted: "fr-FR, *;q=0.1" }, "en"],
  [{ accepted: ";;;q=,,,;q=x" }, "en"],
  [{ accepted: "en", locale: "ko-KR" }, "ko"],
  [{ accepted: "ko", locale: "fr" }, "ko"],
  [{ accepted: "ko", locale: "ko", asked: "en" }, "en"],
  [{ accepted: "ko", asked: "xx" }, "ko"],
  [{ asked: null }, "en"],
];
for (const [given, language] of CASES)
  test(`${JSON.stringify(given)} is read in ${language}`, () => assert.equal(languageOf(given), language));

test("a text is in the language, else in English, else in any", () => {
  assert.equal(inLanguage({ en: "a", ko: "b" }, "ko"), "b");
  assert.equal(inLanguage({ en: "a", "ko-KR": "b" }, "ko"), "b");
  assert.equal(inLanguage({ "en-GB": "a", fr: "b" }, "ko"), "a");
  assert.equal(inLanguage({ fr: "b" }, "en"), "b");
  assert.equal(inLanguage({}, "en"), undefined);
});
