import assert from "node:assert/strict";
import { test } from "node:test";
import { countsText, letterText } from "./report.ts";

test("a provider's control characters do not reach the terminal", () => {
  const line = letterText({
    ...{ endedAt: 0, app: "shop", channel: "sms", deliveryId: "d", class: "critical", attempts: 1, mayBeSent: true },
    reason: { code: "rejected", detail: "\u001b[2J" },
  });
  assert.ok(!line.includes("\u001b"));
  assert.match(line, /rejected/);
});

test("the counts say how many matches are not listed", () => {
  const counts = [{ channel: "sms", reason: "rejected", count: 5 }] as const;
  assert.match(countsText(5, 3, counts), /^5 dead letters, the first 3 listed\n/);
  assert.equal(countsText(0, 0, []), "no dead letters");
});
