import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { formatApiKey, isApiKey, parseApiKey } from "./api-key.ts";

const LARGEST = 2n ** 256n - 1n;

test("a key says its id, whatever its secret is, and holds only what a double click selects", () => {
  for (const secret of [0n, 1n, LARGEST, LARGEST / 3n]) {
    const key = formatApiKey("0a1b2c3d", secret);
    assert.match(key, /^ck_0a1b2c3d_[0-9A-Za-z]{49}$/);
    assert.deepEqual(parseApiKey(key), { id: "0a1b2c3d" });
  }
  const digits = (secret: bigint) => formatApiKey("0a1b2c3d", secret).slice(12, -6);
  assert.equal(new Set([LARGEST, LARGEST - 1n, LARGEST / 62n].map(digits)).size, 3, "no digit of the largest secret is cut off");
});

test("a changed, shortened or joined key is none", () => {
  const key = formatApiKey("0a1b2c3d", LARGEST / 7n);
  for (let i = 3; i < key.length; i++) {
    const wrong = key[i] === "a" ? "b" : "a";
    assert.equal(parseApiKey(key.slice(0, i) + wrong + key.slice(i + 1)), undefined, `digit ${i}`);
  }
  for (const text of ["", "ck_", key.slice(0, -1), key.slice(1), `${key}0`, ` ${key}`, `${key}\n`, key + key, `ck_${"A".repeat(43)}`])
    assert.equal(parseApiKey(text), undefined, JSON.stringify(text));
});

test("the checksum is the CRC-32 that secret scanners compute", () => {
  const key = formatApiKey("0a1b2c3d", 12_345n);
  const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const value = [...key.slice(-6)].reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0);
  assert.equal(value, crc32(key.slice(0, -6)));
});

test("a key without an id, as earlier versions issued them, is an API key; other text is none", () => {
  for (const key of [`ck_${"A".repeat(43)}`, `ck_0a1b2c3d_${"-".repeat(34)}`]) {
    assert.equal(isApiKey(key), true, key);
    assert.equal(parseApiKey(key), undefined);
  }
  const key = formatApiKey("0a1b2c3d", 1n);
  assert.equal(isApiKey(key), true);
  for (const text of [
    "",
    "k-1",
    "ck_",
    `ck_${"A".repeat(42)}`,
    `ck_${"A".repeat(44)}`,
    `ck_${"A".repeat(42)}+`,
    key.slice(0, -1),
    `${key}\n`,
  ])
    assert.equal(isApiKey(text), false, JSON.stringify(text));
});
