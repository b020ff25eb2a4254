import assert from "node:assert/strict";
import { test } from "node:test";
import { sealRepeatably, sealToken, unsealToken } from "./sealed-token.ts";

const OLD = "an old key of 32 characters, abc";
const NEW = "a new key of 32 characters, abcd";
const purpose = "unsubscribe";
const text = '["shop","user:ada@example.com"]';
const token = sealToken(text, { purpose, keys: [OLD] });
const [version = "", keyId = "", sealed = "", tag = ""] = token.split(".");

/** The same bytes with one bit changed. */
function bent(part: string, at = 0): string {
  const bytes = Buffer.from(part, "base64url");
  bytes[at] = bytes[at]! ^ 1;
  return bytes.toString("base64url");
}

const KEYS: readonly (readonly [what: string, keys: readonly string[], opened: string | undefined])[] = [
  ["with the key that sealed it", [OLD], text],
  ["while a new key replaces it", [NEW, OLD], text],
  ["before the new key is first", [OLD, NEW], text],
  ["not once its key is gone", [NEW], undefined],
  ["not without any key", [], undefined],
];
for (const [what, keys, opened] of KEYS) test(`a token opens ${what}`, () => assert.equal(unsealToken(token, { purpose, keys }), opened));

test("the first key seals", () => {
  const rotated = sealToken(text, { purpose, keys: [NEW, OLD] });
  assert.equal(unsealToken(rotated, { purpose, keys: [NEW] }), text);
  assert.throws(() => sealToken(text, { purpose, keys: [] }), /no key/);
});

test("two tokens of one text differ, and neither shows any of it", () => {
  const again = sealToken(text, { purpose, keys: [OLD] });
  assert.notEqual(again, token);
  for (const part of token.split(".")) assert.doesNotMatch(Buffer.from(part, "base64url").toString("latin1"), /ada|shop|example/);
});

test("a token has characters that need no escape in a URL and a header", () => assert.match(token, /^[\w.-]+$/));

const FORGED: readonly (readonly [what: string, token: string])[] = [
  ["empty", ""],
  ["dots alone", "..."],
  ["another version", ["v2", keyId, sealed, tag].join(".")],
  ["another key id", [version, bent(keyId), sealed, tag].join(".")],
  ["a salt changed", [version, keyId, bent(sealed), tag].join(".")],
  ["the text changed", [version, keyId, bent(sealed, 20), tag].join(".")],
  ["the tag changed", [version, keyId, sealed, bent(tag)].join(".")],
  ["the tag cut to four bytes", [version, keyId, sealed, Buffer.from(tag, "base64url").subarray(0, 4).toString("base64url")].join(".")],
  ["cut", token.slice(0, -1)],
  ["cut in the text", [version, keyId, sealed.slice(0, -4), tag].join(".")],
  ["shorter than a salt", [version, keyId, "AAAA", tag].join(".")],
  ["without its tag", [version, keyId, sealed].join(".")],
  ["a part more", `${token}.${tag}`],
  ["another spelling of the same bytes", `${token}=`],
  ["too long", [version, keyId, "A".repeat(4_096), tag].join(".")],
  ["another purpose's", sealToken(text, { purpose: "other", keys: [OLD] })],
];
for (const [what, forged] of FORGED)
  test(`a token does not open: ${what}`, () => assert.equal(unsealToken(forged, { purpose, keys: [NEW, OLD] }), undefined));

test("a token of the same text is another each time, unless it is sealed repeatably", () => {
  const keys = { purpose, keys: [OLD] };
  assert.notEqual(sealToken(text, keys), token);
  const same = sealRepeatably(text, keys);
  assert.equal(sealRepeatably(text, keys), same);
  assert.equal(unsealToken(same, keys), text);
  assert.notEqual(sealRepeatably(`${text} `, keys).split(".")[2]?.slice(0, 16), same.split(".")[2]?.slice(0, 16));
});
