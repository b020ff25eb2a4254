import assert from "node:assert/strict";
import { test } from "node:test";
import { FORM_FIELDS_MAX, parseForm, receiptsOf, sortedFields } from "./webhook.ts";

const NOW = Date.UTC(2026, 0, 5, 12);
const ATTEMPT = `${"0a".repeat(16)}-12/3`;
const fields = {
  provider: "p",
  events: { sent: "accepted", lost: "undelivered" },
  attemptId: ATTEMPT,
  event: "sent",
  receivedAt: NOW,
} as const;

test("only ids in Carillon's format count as our attempts", () => {
  assert.equal(receiptsOf(fields).length, 1);
  const others = [
    "",
    "x",
    ATTEMPT.slice(0, -2),
    `${ATTEMPT}x`,
    ` ${ATTEMPT}`,
    ATTEMPT.replace("0a", "0A"),
    `${"0a".repeat(16)}/3`,
    7,
    null,
    undefined,
    {},
    [ATTEMPT],
  ];
  for (const attemptId of others) assert.deepEqual(receiptsOf({ ...fields, attemptId }), [], String(attemptId));
});

test("only undelivered receipts have a reason, and it is a code, never a sentence", () => {
  const reasonOf = (reason: unknown, event = "lost") => receiptsOf({ ...fields, event, reason })[0]?.reason;
  assert.equal(reasonOf("30003"), "30003");
  assert.equal(reasonOf("30003", "sent"), undefined);
  for (const reason of [undefined, null, "", "no ada@example.com here", "a\nb", "x".repeat(65), 7]) assert.equal(reasonOf(reason), "lost");
});

test("a provider's reference is kept if it has the form of one", () => {
  const refOf = (providerRef: unknown) => receiptsOf({ ...fields, providerRef })[0]?.providerRef;
  assert.equal(refOf("SM0123"), "SM0123");
  for (const ref of ["", "a b", "x".repeat(201), 7, null]) assert.equal(refOf(ref), undefined);
});

test("the time is the provider's, unless it is invalid or in the future", () => {
  const atOf = (at: number | undefined) => receiptsOf(at === undefined ? fields : { ...fields, at })[0]?.at;
  assert.equal(atOf(NOW - 5), NOW - 5);
  for (const at of [undefined, Number.NaN, 0, -1, NOW + 1, Number.POSITIVE_INFINITY]) assert.equal(atOf(at), NOW);
});

test("fields are signed in order of name; repeated ones in order of value, without duplicates", () => {
  assert.equal(sortedFields(new URLSearchParams("b=2&a=z&a=x&B=1&a=z&c=")), "B1axazb2c");
});

test("a form with too many fields is not read, however they are separated, nor one with a name that no provider gives", () => {
  const form = (count: number, field = (i: number) => `f${i}=`) => Buffer.from(Array.from({ length: count }, (_, i) => field(i)).join("&"));
  assert.equal(parseForm(form(FORM_FIELDS_MAX))?.size, FORM_FIELDS_MAX);
  for (const field of [(i: number) => `f${i}=`, () => "a=", () => "a", () => ""])
    assert.equal(parseForm(form(FORM_FIELDS_MAX + 1, field)), undefined, field(0));
  for (const name of ["a b", "", "é", "a%3Db", "x".repeat(65)]) assert.equal(parseForm(Buffer.from(`${name}=1`)), undefined, name);
});
