import assert from "node:assert/strict";
import { test } from "node:test";
import { learnedFrom, reasonOf } from "./learned.ts";

const GONE = "550 5.1.1 The email account that you tried to reach does not exist";

const ROWS: [event: Record<string, unknown>, kind: string | undefined, reason: unknown][] = [
  [{ event: "bounce", type: "bounce", reason: GONE, status: "5.1.1" }, "bounce", "5.1.1"],
  [{ event: "bounce", type: "bounce", reason: GONE }, "bounce", "bounce"],
  [{ event: "bounce", type: "bounce", status: "5.0.0", bounce_classification: "Invalid Address" }, "bounce", "5.0.0"],
  [{ event: "bounce", type: "blocked", reason: "rate limited", status: "4.7.0" }, undefined, "blocked"],
  [{ event: "bounce", type: "bounce", status: "4.4.1" }, undefined, "4.4.1"],
  [{ event: "bounce", type: "bounce", status: "5.7.1" }, undefined, "5.7.1"],
  [{ event: "bounce", type: "bounce", bounce_classification: "Reputation" }, undefined, "bounce"],
  [{ event: "dropped", reason: "Bounced Address" }, "bounce", "dropped"],
  [{ event: "dropped", reason: "Invalid" }, "bounce", "dropped"],
  [{ event: "dropped", reason: "Spam Reporting Address" }, "complaint", "dropped"],
  [{ event: "dropped", reason: "Unsubscribed Address" }, "unsubscribe", "dropped"],
  [{ event: "dropped", reason: "Spam Content" }, undefined, "dropped"],
  [{ event: "dropped", reason: "constructor" }, undefined, "dropped"],
  [{ event: "spamreport" }, "complaint", "spamreport"],
  [{ event: "unsubscribe" }, "unsubscribe", "unsubscribe"],
  [{ event: "group_unsubscribe", asm_group_id: 1 }, "unsubscribe", "group_unsubscribe"],
  [{ event: "delivered", reason: GONE }, undefined, "delivered"],
  [{ event: "group_resubscribe" }, undefined, "group_resubscribe"],
];

test("what each event says of the recipient, and the code that the delivery keeps", () => {
  for (const [event, kind, reason] of ROWS) {
    assert.equal(learnedFrom(event)?.kind, kind, JSON.stringify(event));
    assert.equal(reasonOf(event), reason, JSON.stringify(event));
  }
  assert.equal(learnedFrom(ROWS[0]![0])?.reason, GONE);
});
