import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointId } from "../adapters/ids.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import { endpointSubject, userSubject } from "../core/preferences/opt-out.ts";
import { boxesOf, DAY_MS, hiddenOf, serve } from "../test/support/preference-page.ts";
import { SUBJECT_LIMIT } from "./subject-limit.ts";

const phone: Endpoint = { channel: "sms", phoneNumber: "+4915112345678" };

test("the page shows what holds of each visible category on the app's channels, and changes nothing", async () => {
  await using feedback = await serve();
  const answer = await feedback.ask(feedback.path);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("set-cookie"), null);
  assert.equal(answer.headers.get("cache-control"), "no-store");
  assert.equal(answer.headers.get("referrer-policy"), "no-referrer");
  assert.equal(answer.headers.get("x-robots-tag"), "noindex");
  assert.match(
    answer.headers.get("content-security-policy") ?? "",
    /^default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'/,
  );
  const page = await answer.text();
  assert.deepEqual(boxesOf(page), {
    ...{ "orders.app": "on", "orders.web": "on", "orders.sms": "off", "orders.email": "on" },
    ...{ "newsletter.app": "off", "newsletter.web": "off", "newsletter.sms": "off", "newsletter.email": "off" },
  });
  assert.match(page, /Security <small>Sign-in codes<\/small><\/th>\s*<td role="cell" colspan="4" class="always">/);
  assert.doesNotMatch(page, /Internal/);
  assert.ok(page.indexOf("Security") < page.indexOf("Orders") && page.indexOf("Orders") < page.indexOf("Newsletter"));
  assert.equal(await feedback.record(), undefined);
});

test("where all of a person's addresses are blocked the box is disabled, and the reason stands below", async () => {
  await using feedback = await serve();
  const { id } = feedback.app;
  await feedback.register(phone);
  const block = { kind: "stop", reason: "STOP", source: "twilio", at: 0 } as const;
  await feedback.preferences.update(id, endpointSubject(endpointId(phone)), { block: [block], origin: {} });
  const page = await feedback.page();
  assert.equal(boxesOf(page)["orders.sms"], "disabled");
  assert.match(
    page,
    /id="note0">Orders and Newsletter &#38; more cannot come by text, because you replied STOP\. To allow it again, write to /,
    "no START surely lifts a STOP to no known sender",
  );
  const forced = { version: hiddenOf(page, "version"), was: `-orders.sms ${hiddenOf(page, "was")}`, "orders.sms": "on" };
  await feedback.post({ ...forced, ...Object.fromEntries(Object.entries(boxesOf(page)).filter(([, s]) => s === "on")) });
  assert.equal(await feedback.record(), undefined);
  await feedback.register({ channel: "sms", phoneNumber: "+4915112345679" });
  assert.equal(boxesOf(await feedback.page())["orders.sms"], "off");
});

test("a STOP to the default sender is allowed again by START", async () => {
  await using feedback = await serve();
  await feedback.register(phone);
  const block = { kind: "stop", pool: "", reason: "STOP", source: "twilio", at: 0 } as const;
  await feedback.preferences.update(feedback.app.id, endpointSubject(endpointId(phone)), { block: [block], origin: {} });
  assert.match(await feedback.page(), /because you replied STOP\. To allow it again, text START to the number/);
  assert.match(await feedback.page(`${feedback.path}?lang=ko`), /START를 보내 주세요/);
});

test("a link about an address shows its channel alone, and changes its choices", async () => {
  await using feedback = await serve();
  const mailbox: Endpoint = { channel: "email", address: "hana@example.com" };
  const subject = endpointSubject(endpointId(mailbox));
  const at = feedback.pathOf({ subject, channel: "email", notificationId: "0a".repeat(16) });
  const page = await feedback.page(at);
  assert.deepEqual(boxesOf(page), { "orders.email": "on", "newsletter.email": "off" });
  await feedback.post({ version: "0", was: hiddenOf(page, "was") }, at);
  const [entry] = await feedback.store.preferences.history(feedback.app.id, subject, Number.MAX_SAFE_INTEGER, 1);
  assert.deepEqual(entry?.after.optOuts, [{ channel: "email", category: "orders" }]);
  assert.equal(entry?.origin.evidence, "0a".repeat(16));
});

test("forged, cut, old and unknown links are one page", async () => {
  await using feedback = await serve();
  const old = feedback.pathOf({ issuedAt: feedback.clock.now() - 31 * DAY_MS });
  const gone = feedback.pathOf({ app: "no-such-app" });
  const seen = new Set<string>();
  for (const at of [`${feedback.path}x`, feedback.path.slice(0, -2), "/p/x", old, gone])
    for (const method of ["GET", "POST"]) {
      const answer = await feedback.ask(at, {
        method,
        ...(method === "POST" && { body: new URLSearchParams({ version: "0", everything: "off" }) }),
      });
      assert.equal(answer.status, 404, at);
      seen.add(await answer.text());
    }
  assert.equal(seen.size, 1);
  assert.match([...seen][0]!, /This link has ended/);
});

test("links of one kind are none of the other", async () => {
  await using feedback = await serve();
  assert.equal((await feedback.ask(feedback.path.replace("/p/", "/u/"))).status, 404);
});

test("the page to unsubscribe leads here, by a link that ends as it does", async () => {
  await using feedback = await serve();
  const unsubscribe = feedback.unsubscribePathOf();
  const [, href = ""] = /<a href="\.\.(\/p\/[^"]+)">All settings/.exec(await feedback.page(unsubscribe)) ?? [];
  assert.match(await feedback.page(href), /What you hear from us/);
  const old = feedback.unsubscribePathOf({ issuedAt: feedback.clock.now() - 31 * DAY_MS });
  assert.doesNotMatch(await feedback.page(old), /All settings/);
  assert.match((await feedback.post({ scope: "mail" }, unsubscribe)).page, /href="\.\.\/p\//);
  assert.match(await feedback.page(), /You last changed your choices here on/);
});

test("while the store is away nothing is shown or claimed", async () => {
  const away = { get: async () => undefined, update: async () => undefined, history: async () => undefined };
  await using feedback = await serve({ preferences: away });
  assert.equal((await feedback.ask(feedback.path)).status, 503);
  assert.equal((await feedback.post({ version: "0", everything: "off" })).status, 503);
});

test("the links of one person have one limit together", async () => {
  await using feedback = await serve();
  for (let i = 0; i < SUBJECT_LIMIT.burst - 1; i++) assert.equal((await feedback.ask(feedback.path)).status, 200);
  assert.equal((await feedback.ask(feedback.unsubscribePathOf())).status, 200);
  assert.equal((await feedback.ask(feedback.path)).status, 429);
  assert.equal((await feedback.ask(feedback.pathOf({ subject: userSubject("bo") }))).status, 200);
});

test("it is in the person's language, and dates are in their time zone", async () => {
  await using feedback = await serve();
  await feedback.store.profiles.put(feedback.app.id, "ann", { locale: "ko-KR", timeZone: "Asia/Seoul" }, feedback.clock.now());
  assert.match(await feedback.page(), /<html lang="ko">.*수신 설정.*보안.*주문/s);
  assert.match(await feedback.page(`${feedback.path}?lang=en`, { "accept-language": "ko" }), /<html lang="en">/);
  await feedback.store.profiles.put(feedback.app.id, "ann", { timeZone: "No/Where" }, feedback.clock.now());
  assert.match(await feedback.page(feedback.path, { "accept-language": "ko" }), /<html lang="ko">/);
});

test("a tenant's defaults hold for its users", async () => {
  await using feedback = await serve();
  await feedback.store.apps.change(feedback.app.id, (app) => ({
    ...app!,
    categories: app!.categories!.map((c) => (c.name === "orders" ? { ...c, tenantDefaults: { acme: "required" as const } } : c)),
  }));
  assert.equal(boxesOf(await feedback.page())["orders.email"], "on");
  await feedback.store.profiles.put(feedback.app.id, "ann", { tenant: "acme" }, feedback.clock.now());
  assert.equal(boxesOf(await feedback.page())["orders.email"], undefined);
});
