import assert from "node:assert/strict";
import { test } from "node:test";
import { learnedFrom, reasonOf } from "./learned.ts";

const DIAG = "smtp;550 5.1.1 <ann@example.org> does not exist (192.5.1.1)";

const ROWS: [event: string, message: Record<string, unknown>, kind: string | undefined, reason: unknown][] = [
  ["hard_bounce", { diag: DIAG, bounce_description: "bad_mailbox" }, "bounce", "5.1.1"],
  ["hard_bounce", { diag: "smtp;550 from 192.5.1.1", bounce_description: "bad_mailbox" }, "bounce", "bad_mailbox"],
  ["hard_bounce", {}, "bounce", "hard_bounce"],
  ["soft_bounce", { bounce_description: "mailbox_full" }, undefined, "mailbox_full"],
  ["spam", {}, "complaint", "spam"],
  ["unsub", {}, "unsubscribe", "unsub"],
  ["reject", { reject_reason: "spam" }, "complaint", "spam"],
  ["reject", { reject_reason: "hard_bounce" }, "bounce", "hard-bounce"],
  ["reject", { reject_reason: "rule" }, undefined, "rule"],
  ["reject", { reject_reason: "constructor" }, undefined, "constructor"],
  ["reject", { reject_reason: null }, undefined, "reject"],
  ["delivered", {}, undefined, "delivered"],
];

test("what each event says of the recipient, and the code that the delivery keeps", () => {
  for (const [event, message, kind, reason] of ROWS) {
    assert.equal(learnedFrom(event, message)?.kind, kind, `${event} ${JSON.stringify(message)}`);
    assert.equal(reasonOf(event, message), reason, `${event} ${JSON.stringify(message)}`);
  }
});
