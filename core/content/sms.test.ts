import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import calculator from "sms-segments-calculator";
import { SMS_SEGMENTS_MAX, smsSegments } from "./sms.ts";

/** Twilio's limit for Body (error 21617), in UTF-16 code units. */
const TWILIO_BODY_UNITS_MAX = 1_600;

const cases: [name: string, text: string, encoding: "gsm7" | "ucs2", segments: number, units: number][] = [
  ["nothing takes nothing", "", "gsm7", 0, 0],
  ["160 septets fit in one", "a".repeat(160), "gsm7", 1, 160],
  ["161 septets take two of 153", "a".repeat(161), "gsm7", 2, 161],
  ["306 septets still take two", "a".repeat(306), "gsm7", 2, 306],
  ["307 septets take three", "a".repeat(307), "gsm7", 3, 307],
  ["a euro sign counts two", "€".repeat(80), "gsm7", 1, 160],
  ["a euro sign is not cut in two", `${"a".repeat(152)}€${"a".repeat(152)}`, "gsm7", 3, 306],
  ["70 UCS-2 units fit in one", "я".repeat(70), "ucs2", 1, 70],
  ["71 UCS-2 units take two of 67", "я".repeat(71), "ucs2", 2, 71],
  ["one foreign character turns all of it", `${"a".repeat(159)}я`, "ucs2", 3, 160],
  ["a surrogate pair counts two", "😀".repeat(35), "ucs2", 1, 70],
  ["a surrogate pair is not cut in two", `${"я".repeat(66)}😀${"я".repeat(66)}`, "ucs2", 3, 134],
  ["half a surrogate pair counts one", "\ud83d", "ucs2", 1, 1],
  ["the GSM alphabet has ç only as a capital", "ç", "ucs2", 1, 1],
  ["a backtick is not in the GSM alphabet", "`", "ucs2", 1, 1],
];
for (const [name, text, encoding, segments, units] of cases)
  test(name, () => {
    assert.deepEqual(smsSegments(text), { encoding, segments, units });
  });

const gsm = [..."@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./019:;<=>?¡AZÄÖÑÜ§¿azäöñüà", ..."^{}\\[~]|€\f"];
// Without marks that join the character before: Twilio's calculator keeps those together, phones do not.
const wide = [..."яшж漢字日本語`çÇ", "😀", "🏁"];
const texts = (alphabet: string[]) =>
  fc.array(fc.constantFrom(...alphabet), { maxLength: 700, size: "max" }).map((characters) => characters.join(""));

for (const [name, alphabet] of [
  ["GSM text", gsm],
  ["mixed text", [...gsm, ...wide]],
] as const)
  test(`counts ${name} as Twilio's calculator does`, () => {
    fc.assert(
      fc.property(texts([...alphabet]), (text) => {
        const theirs = new calculator.SegmentedMessage(text);
        const ours = smsSegments(text);
        assert.equal(ours.encoding, theirs.encodingName === "GSM-7" ? "gsm7" : "ucs2");
        if (text !== "") assert.equal(ours.segments, theirs.segmentsCount);
      }),
      { numRuns: 200 },
    );
  });

test("what fits in the segments fits in Twilio's characters", () => {
  assert.equal(smsSegments("a".repeat(TWILIO_BODY_UNITS_MAX)).segments, SMS_SEGMENTS_MAX + 1);
});
