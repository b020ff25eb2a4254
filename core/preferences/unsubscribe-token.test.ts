import assert from "node:assert/strict";
import { test } from "node:test";
import { claimOf, claimText, opensPage, PAGE_LINK_DAYS, type UnsubscribeClaim } from "./unsubscribe-token.ts";

const DAY_MS = 86_400_000;
const claim: UnsubscribeClaim = {
  ...{ app: "shop", subject: "user:Jörg “x” 🔔", channel: "email", category: "newsletter" },
  ...{ notificationId: "0123456789abcdef0123456789abcdef", issuedAt: 1_790_000_000_000 },
};

test("a claim comes back as it was, its time to the second", () => {
  assert.deepEqual(claimOf(claimText(claim)), claim);
  assert.deepEqual(claimOf(claimText({ ...claim, issuedAt: claim.issuedAt + 999 })), claim);
});

const STRANGE: readonly (readonly [what: string, text: string])[] = [
  ["no JSON", "shop"],
  ["no list", '{"app":"shop"}'],
  ["too few", '["shop","user:a","email","newsletter",1790000000]'],
  ["too many", '["shop","user:a","email","newsletter","id",1790000000,1]'],
  ["a channel that is none", '["shop","user:a","fax","newsletter","id",1790000000]'],
  ["an empty subject", '["shop","","email","newsletter","id",1790000000]'],
  ["a number for a text", '["shop",1,"email","newsletter","id",1790000000]'],
  ["a time that is none", '["shop","user:a","email","newsletter","id","now"]'],
  ["a time with a fraction", '["shop","user:a","email","newsletter","id",0.5]'],
];
for (const [what, text] of STRANGE) test(`no claim: ${what}`, () => assert.equal(claimOf(text), undefined));

test("a link opens the page of all choices for 30 days", () => {
  assert.equal(opensPage(claim, claim.issuedAt + PAGE_LINK_DAYS * DAY_MS), true);
  assert.equal(opensPage(claim, claim.issuedAt + PAGE_LINK_DAYS * DAY_MS + 1), false);
});
