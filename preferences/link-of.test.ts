import assert from "node:assert/strict";
import { test } from "node:test";
import { createPageLinks, PAGE_PATH } from "../adapters/page-links.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { createLinkOf } from "./link-of.ts";

const KEYS = ["a key of thirty-two characters, a"];
const BASE = "https://hooks.example.com/in";
const about = { app: "shop", subject: "user:ann", channel: undefined };

test("a link begins with feedback's public URL, and ends after 30 days", () => {
  const clock = createFakeClock(1_790_000_000_999);
  const pages = createPageLinks(() => KEYS);
  const link = createLinkOf(pages, BASE, clock)(about);
  assert.ok(link?.url.startsWith(`${BASE}${PAGE_PATH}`));
  assert.equal(link?.expiresAt, 1_790_000_000_000 + 30 * 86_400_000);
  const claim = pages.claimIn(link?.url.slice(BASE.length + PAGE_PATH.length) ?? "");
  assert.deepEqual(claim, { ...about, notificationId: undefined, issuedAt: 1_790_000_000_000 });
});

test("without keys or a public URL there is none", () => {
  const clock = createFakeClock();
  assert.equal(
    createLinkOf(
      createPageLinks(() => []),
      BASE,
      clock,
    )(about),
    undefined,
  );
  assert.equal(
    createLinkOf(
      createPageLinks(() => KEYS),
      "",
      clock,
    )(about),
    undefined,
  );
});
