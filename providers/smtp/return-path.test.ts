import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { attemptOfReturnPath, type BounceKeys, RETURN_PATH_DAYS_MAX, returnPathOf } from "./return-path.ts";

const NOW = Date.UTC(2026, 11, 1, 12);
const DAY_MS = 86_400_000;
const OWN: BounceKeys = { domain: "bounces.example.org", keys: ["a key of the sender's account"] };
const ATTEMPT = `${"0a".repeat(16)}-3/2`;
const path = (attempt = ATTEMPT, now = NOW) => returnPathOf(attempt, OWN, now) ?? "";

const attemptIds = fc
  .tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.integer({ min: 0, max: 99_999 }), fc.integer({ min: 0, max: 999_999_999 }))
  .map(([id, index, number]) => `${Buffer.from(id).toString("hex")}-${index}/${number}`);

test("every attempt has a return path of at most 64 characters before the @, and comes back from it in any case of letters", () => {
  fc.assert(
    fc.property(attemptIds, fc.integer({ min: 0, max: RETURN_PATH_DAYS_MAX }), (attempt, days) => {
      const own = path(attempt, NOW - days * DAY_MS);
      assert.match(own, /^b\+[a-z2-7]{1,62}@bounces\.example\.org$/);
      assert.equal(attemptOfReturnPath(own, OWN, NOW), attempt);
      assert.equal(attemptOfReturnPath(own.toUpperCase(), OWN, NOW), attempt);
    }),
  );
});

test("no changed return path names an attempt", () => {
  const own = path();
  fc.assert(
    fc.property(fc.nat(own.indexOf("@") - 1), fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz234567+-.@"), (at, by) => {
      const changed = own.slice(0, at) + by + own.slice(at + 1);
      fc.pre(changed !== own);
      assert.equal(attemptOfReturnPath(changed, OWN, NOW), undefined, changed);
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => assert.equal(attemptOfReturnPath(`b+${text}@bounces.example.org`, OWN, NOW), undefined)));
});

test("a return path of another key, another domain or another time is none", () => {
  const own = path();
  assert.equal(attemptOfReturnPath(own, { ...OWN, keys: ["another key than the sender's"] }, NOW), undefined);
  assert.equal(attemptOfReturnPath(own, { ...OWN, domain: "example.org" }, NOW), undefined);
  const elsewhere: BounceKeys = { ...OWN, domain: "bounces.example.com" };
  assert.equal(attemptOfReturnPath(own.replace(/@.*/, "@bounces.example.com"), elsewhere, NOW), undefined, "the domain is signed");
  assert.equal(attemptOfReturnPath(own, OWN, NOW + RETURN_PATH_DAYS_MAX * DAY_MS), ATTEMPT);
  assert.equal(attemptOfReturnPath(own, OWN, NOW + (RETURN_PATH_DAYS_MAX + 1) * DAY_MS), undefined);
  assert.equal(attemptOfReturnPath(own, OWN, NOW - 2 * DAY_MS), undefined, "from the future");
  for (const address of ["", "bells@bounces.example.org", own.slice(2), `${own}.`, own.replace("@", "=@"), own.replace(/@.*/, "")])
    assert.equal(attemptOfReturnPath(address, OWN, NOW), undefined, address);
});

test("while one key replaces the other, the first signs and both verify", () => {
  const both: BounceKeys = { ...OWN, keys: ["the new key of the account", ...OWN.keys] };
  assert.equal(attemptOfReturnPath(path(), both, NOW), ATTEMPT);
  assert.equal(attemptOfReturnPath(returnPathOf(ATTEMPT, both, NOW) ?? "", OWN, NOW), undefined);
});

test("without a key, or for an id of another form, there is none", () => {
  assert.equal(returnPathOf(ATTEMPT, { ...OWN, keys: [] }, NOW), undefined);
  for (const id of ["", "one", `${"0a".repeat(16)}-3`, `${"0A".repeat(16)}-3/2`]) assert.equal(returnPathOf(id, OWN, NOW), undefined, id);
});
