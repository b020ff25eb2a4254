import assert from "node:assert/strict";
import { test } from "node:test";
import { REASON_MAX } from "./block.ts";
import { learnedChange, stillToDo, withoutAddresses } from "./learned.ts";
import { noPreferences, type PreferenceRecord } from "./opt-out.ts";

const OF = { provider: "sendgrid", pool: undefined, category: "orders", attemptId: "a-0/1", at: 5 };
const origin = (source: string, reason: string) => ({ actor: "sendgrid", source, evidence: `a-0/1: ${reason}` });

test("a complaint blocks what need not be sent, a bounce and a stop everything, an unsubscription is a choice", () => {
  assert.deepEqual(learnedChange({ kind: "complaint", reason: "spamreport" }, OF), {
    about: "endpoint",
    change: {
      block: [{ kind: "complaint", classes: ["marketing", "transactional"], reason: "spamreport", source: "sendgrid", at: 5 }],
      origin: origin("complaint", "spamreport"),
    },
  });
  assert.deepEqual(learnedChange({ kind: "bounce", reason: "5.1.1" }, OF).change.block, [
    { kind: "bounce", reason: "5.1.1", source: "sendgrid", at: 5 },
  ]);
  for (const pool of ["", "orders", undefined])
    assert.deepEqual(learnedChange({ kind: "stop", reason: "21610" }, { ...OF, pool }).change.block, [
      { kind: "stop", pool, reason: "21610", source: "sendgrid", at: 5 },
    ]);
  assert.deepEqual(learnedChange({ kind: "unsubscribe", reason: "unsub" }, OF), {
    about: "user",
    change: { optOut: [{ channel: "email", category: "orders" }], origin: origin("provider-unsubscribe", "unsub") },
  });
});

test("a learned unsubscription is done once no consent to less is left, and a block once it is there", () => {
  const { change } = learnedChange({ kind: "unsubscribe", reason: "unsub" }, { ...OF, category: "*" });
  const all = { channel: "email", category: "*" } as const;
  const news = { channel: "email", category: "news" } as const;
  const record = (over: Partial<PreferenceRecord>) => ({ ...noPreferences("shop", "user:ann"), ...over });
  assert.deepEqual(stillToDo(record({}), change)?.optOut, [all]);
  assert.deepEqual(stillToDo(record({ optOuts: [all], consents: [news] }), change)?.forget, [news]);
  const everywhere = { channel: "*", category: "news" } as const;
  assert.deepEqual(stillToDo(record({ optOuts: [all], consents: [everywhere] }), change)?.optOut, [all, news]);
  assert.equal(stillToDo(record({ optOuts: [all, news], consents: [everywhere] }), change), undefined);
  const bounce = learnedChange({ kind: "bounce", reason: "5.1.1" }, OF).change;
  assert.equal(stillToDo(record({}), bounce), bounce);
  assert.equal(stillToDo(record({ blocks: [...bounce.block!] }), bounce), undefined);
});

test("a server's answer is kept without the mailbox or a number, and short", () => {
  assert.equal(withoutAddresses("550 5.1.1 <ann.b+c@mail.example.org>: user\n unknown"), "550 5.1.1 <…>: user unknown");
  assert.equal(withoutAddresses("no route to +447700900123"), "no route to …");
  assert.equal(withoutAddresses(`x${"y".repeat(10_000)}`).length, REASON_MAX);
  for (const before of ["", "x"]) assert.ok(withoutAddresses(before + "😀".repeat(REASON_MAX)).isWellFormed());
});
