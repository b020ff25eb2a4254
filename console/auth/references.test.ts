import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256Hex } from "../../runtime/hash.ts";
import { createReferences } from "./references.ts";

const NUMBER = "+821055501017";
const [OLD, NEW, SESSION] = ["an old key of the console", "a new key of the console", "a key that seals sessions"];
const by = (own: readonly string[], sessions: readonly string[] = []) => createReferences({ own: () => own, sessions: () => sessions });

test("a person has one name in every process that has the key, and another one by another key", () => {
  const name = by([OLD]).ofPerson("shop", NUMBER);
  assert.match(name, /^[0-9a-f]{16}$/);
  assert.equal(by([OLD], [SESSION]).ofPerson("shop", NUMBER), name);
  const others = [by([NEW]).ofPerson("shop", NUMBER), by([OLD]).ofPerson("shop2", NUMBER), by([OLD]).ofPerson("shop", `${NUMBER}0`)];
  others.push(by([OLD]).ofName(NUMBER), by([OLD]).ofEndpoint(NUMBER));
  assert.equal(new Set([name, ...others]).size, 6);
});

test("who knows the number and not the key cannot tell the name", () => {
  const name = by([OLD]).ofPerson("shop", NUMBER);
  for (const text of [NUMBER, `shop\n${NUMBER}`, `carillon console reference 1\nperson\nshop\n${NUMBER}`])
    assert.notEqual(sha256Hex(text).slice(0, 16), name);
});

test("after a new key the names by the old one are still known, as long as it is in the file", () => {
  const before = by([OLD]).ofPerson("shop", NUMBER);
  assert.deepEqual(by([NEW, OLD]).earlierOfPerson("shop", NUMBER), [before]);
  assert.notEqual(by([NEW, OLD]).ofPerson("shop", NUMBER), before);
  assert.deepEqual(by([NEW]).earlierOfPerson("shop", NUMBER), []);
});

test("without keys of its own it names by those of sessions, and without any for as long as the process runs", () => {
  assert.equal(by([], [SESSION]).ofPerson("shop", NUMBER), by([SESSION]).ofPerson("shop", NUMBER));
  const none = by([]);
  assert.equal(none.ofPerson("shop", NUMBER), none.ofPerson("shop", NUMBER));
  assert.notEqual(none.ofPerson("shop", NUMBER), by([]).ofPerson("shop", NUMBER));
  assert.deepEqual([none.areLasting(), by([], [SESSION]).areLasting(), by([OLD]).areLasting()], [false, true, true]);
});
