import assert from "node:assert/strict";
import { test } from "node:test";
import { readOutboxReport } from "./outbox-report.ts";

const read = (value: unknown) => readOutboxReport(new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value)));

test("a report has a count for each channel, 0 where it names none", () => {
  assert.deepEqual(read({ due: { sms: 3 } }), { apns: 0, fcm: 0, webpush: 0, sms: 3, email: 0 });
});

test("what is no report is ignored", () => {
  for (const value of ["{", "null", [], {}, { due: null }, { due: { sms: -1 } }, { due: { sms: "3" } }, { due: { email: null, sms: {} } }])
    assert.equal(read(value), undefined, JSON.stringify(value));
});
