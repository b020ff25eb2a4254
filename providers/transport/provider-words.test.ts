import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../../core/delivery/outcome.ts";
import { maskWords, withWords } from "./provider-words.ts";

const MASKED: readonly [foreign: string, kept: string][] = [
  ["The provided authorization grant is invalid, expired, or revoked", "The provided authorization grant is invalid, expired, or revoked"],
  ["Maximum credits exceeded", "Maximum credits exceeded"],
  ["ann.b+c@mail.example.org may not send", "… may not send"],
  ["no route to +44 7700900123 today", "no route to +44 … today"],
  ["the key SG.abc123DEF456ghi789 is revoked", "the key … is revoked"],
  ["see https://example.org/token?id=9 for more", "see … for more"],
  ['the subject "Your code is 482913" is wrong', "the subject … is wrong"],
  ["one\nline\u0000 with\u202e marks", "one line with marks"],
  ["x".repeat(10_000), "x".repeat(120)],
  ["", ""],
];
for (const [foreign, kept] of MASKED)
  test(`of "${foreign.slice(0, 40)}" is kept "${kept.slice(0, 40)}"`, () => {
    assert.equal(maskWords(foreign), kept);
  });

test("words are added only to a bare status that is about the account", () => {
  const bare: Outcome = { kind: "misconfigured", reason: "http-401" };
  assert.deepEqual(withWords(bare, "Maximum credits exceeded"), { kind: "misconfigured", reason: "http-401: Maximum credits exceeded" });
  const others: readonly Outcome[] = [
    { kind: "misconfigured", reason: "authentication" },
    { kind: "misconfigured", reason: "http-403", scope: "sender" },
    { kind: "rejected", reason: "http-400" },
    { kind: "unavailable", fault: { code: "http-503" } },
  ];
  for (const outcome of others) assert.equal(withWords(outcome, "anything"), outcome);
  for (const nothing of [undefined, null, 5, {}, "", "  "]) assert.equal(withWords(bare, nothing), bare);
});
