import assert from "node:assert/strict";
import { test } from "node:test";
import { table } from "../table.ts";
import { parseLine } from "./jsonl.ts";
import { LineError } from "./line-values.ts";

const NOW = Date.UTC(2026, 0, 1);
const line = (over: object) => JSON.stringify({ key: "k", user: "ada", category: "orders", sms: { text: "hi" }, ...over });

test("reads a line with relative and absolute times", () => {
  const n = parseLine(line({ sendAt: "+90s", expiresAt: "2026-01-02T00:00:00Z", channels: ["sms"], class: "critical" }), NOW);
  assert.equal(n.sendAt?.getTime(), NOW + 90_000);
  assert.equal(n.expiresAt?.getTime(), NOW + 86_400_000);
  assert.deepEqual([n.channels, n.notificationClass, n.recipient?.to], [[4], 1, { $case: "userId", value: "ada" }]);
});

const mistakes: [string, string, RegExp][] = [
  ["text that is not JSON", "{", /the line: is not JSON/],
  ["an unknown field", line({ chanels: [] }), /chanels: is not a field/],
  ["an unknown channel", line({ channels: ["fax"] }), /channels\[0\]: must be one of apns/],
  ["a number where text belongs", line({ sms: { text: 5 } }), /sms\.text: must be a string/],
  ["half of a character", line({ sms: { text: "hi \ud83d" } }), /sms\.text: has half of a surrogate pair/],
  ["an unreadable time", line({ sendAt: "soon" }), /sendAt: must be ISO 8601/],
  ["two addresses in one endpoint", line({ endpoint: { apnsToken: "a", fcmToken: "b" } }), /endpoint: must have exactly one field/],
];
for (const [what, text, message] of mistakes) {
  test(`names the field and the rule of ${what}`, () => {
    assert.throws(
      () => parseLine(text, NOW),
      (error: unknown) => error instanceof LineError && message.test(error.message),
    );
  });
}

test("a table aligns numbers to the right", () => {
  assert.equal(
    table(
      ["a", "n"],
      [
        ["x", 1],
        ["yy", 20],
      ],
    ),
    "  a    n\n  ──  ──\n  x    1\n  yy  20",
  );
});
