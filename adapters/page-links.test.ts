import assert from "node:assert/strict";
import { test } from "node:test";
import { pageClaimOf } from "../core/preferences/page-claim.ts";
import { createBrandLinks, createPageLinks, PAGE_PATH } from "./page-links.ts";

const OLD = "an old key of thirty-two characters.";
const NEW = "a new key of thirty-two characters..";
const claim = { app: "shop", subject: "user:ann", channel: undefined, notificationId: undefined, issuedAt: 1_790_000_000_000 };

test("a link says what it was made for, also once another key seals", () => {
  let keys = [OLD];
  const links = createPageLinks(() => keys);
  for (const one of [claim, { ...claim, subject: "endpoint:0a", channel: "email" as const, notificationId: "0b" }]) {
    keys = [OLD];
    const path = links.pathOf(one) ?? "";
    assert.equal(links.pathOf(one), path, "the same link for the same claim");
    assert.ok(path.startsWith(PAGE_PATH) && !path.includes("ann") && !path.includes("shop"));
    keys = [NEW, OLD];
    assert.deepEqual(links.claimIn(path.slice(PAGE_PATH.length)), one);
    keys = [NEW];
    assert.equal(links.claimIn(path.slice(PAGE_PATH.length)), undefined);
  }
});

test("without a key there is no link, and none is opened", () => {
  const links = createPageLinks(() => []);
  assert.deepEqual([links.pathOf(claim), links.claimIn("x")], [undefined, undefined]);
  assert.equal(createBrandLinks(() => []).idOf("shop", "1"), undefined);
});

test("a brand's id is none of a page, and the other way round", () => {
  const [pages, brands] = [createPageLinks(() => [OLD]), createBrandLinks(() => [OLD])];
  const id = brands.idOf("shop", "1") ?? "";
  assert.deepEqual([brands.appIn(id), pages.claimIn(id)], ["shop", undefined]);
  assert.equal(brands.appIn((pages.pathOf(claim) ?? "").slice(PAGE_PATH.length)), undefined);
  assert.notEqual(brands.idOf("shop", "2"), id);
});

test("a text that no link has is no claim", () => {
  const whole = ["shop", "user:ann", "", "", 1];
  assert.notEqual(pageClaimOf(JSON.stringify(whole)), undefined);
  const wrong = [
    ["", ...whole.slice(1)],
    ["shop", "", "", "", 1],
    ["shop", "user:ann", "fax", "", 1],
    ["shop", "user:ann", "", 1, 1],
    [...whole.slice(0, 4), 1.5],
    [...whole, 1],
  ];
  for (const values of [...wrong, {}, null, "x"]) assert.equal(pageClaimOf(JSON.stringify(values)), undefined, JSON.stringify(values));
  assert.equal(pageClaimOf("{"), undefined);
});
