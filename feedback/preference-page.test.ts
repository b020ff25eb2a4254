import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointId } from "../adapters/ids.ts";
import { createBrandLinks } from "../adapters/page-links.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import { endpointSubject, type OptOut, userSubject } from "../core/preferences/opt-out.ts";
import { setBrand } from "../operations/apps/brand.ts";
import { logoOf } from "../operations/apps/logo.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { LINK_KEYS, startRecipientPages } from "../test/support/recipient-pages.ts";
import { sampleApp } from "../test/support/store/samples.ts";
import { createBrandRoutes } from "./brand.ts";
import type { PreferenceAccess } from "./choices.ts";
import { createInFlight } from "./page-guard.ts";
import { SUBJECT_LIMIT } from "./subject-limit.ts";

const DAY_MS = 86_400_000;
const NEWS_MAIL: OptOut = { channel: "email", category: "newsletter" };
const phone: Endpoint = { channel: "sms", phoneNumber: "+4915112345678" };

/** Name and state of each checkbox. */
const boxesOf = (page: string) =>
  Object.fromEntries(
    [...page.matchAll(/<input type="checkbox" name="([^"]+)"( checked)?( disabled)?/g)].map(([, name, checked, disabled]) => [
      name,
      disabled ? "disabled" : checked ? "on" : "off",
    ]),
  );
const hiddenOf = (page: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? "";
const saidOf = (page: string) => /<p><b>(.+?)<\/b> (.*?)<\/p>/.exec(page)?.slice(1).join(" ") ?? "";

async function serve(over: { preferences?: PreferenceAccess } = {}) {
  const pages = await startRecipientPages(over);
  const path = pages.pathOf();
  const page = async (at = path, headers: Record<string, string> = {}) => (await pages.ask(at, { headers })).text();
  const post = async (fields: Record<string, string>, at = path) => {
    const answer = await pages.ask(at, { method: "POST", body: new URLSearchParams(fields) });
    return { status: answer.status, page: await answer.text() };
  };
  /** Saves as a browser does: with everything that the page showed, and these boxes otherwise. */
  const save = (shown: string, boxes: Record<string, boolean>) => {
    const on = Object.entries({ ...boxesOf(shown), ...Object.fromEntries(Object.entries(boxes).map(([n, is]) => [n, is ? "on" : "off"])) });
    const checked = on.filter(([, state]) => state === "on").map(([name]) => [name, "on"]);
    return post({ version: hiddenOf(shown, "version"), was: hiddenOf(shown, "was"), save: "choices", ...Object.fromEntries(checked) });
  };
  return Object.assign(pages, { path, page, post, save });
}

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

test("a save stores exactly what the person changed, with its origin, and Undo takes it back", async () => {
  await using feedback = await serve();
  const first = await feedback.save(await feedback.page(), { "newsletter.email": true });
  assert.equal(saidOf(first.page), "Saved. “Newsletter &#38; more” now comes by e-mail.");
  assert.deepEqual((await feedback.record())?.consents, [NEWS_MAIL]);
  const second = await feedback.save(first.page, { "orders.app": false, "newsletter.email": false });
  assert.equal(saidOf(second.page), "Saved. 2 choices were changed.");
  const record = await feedback.record();
  assert.deepEqual(record?.optOuts, [{ channel: "apns", category: "orders" }, { channel: "fcm", category: "orders" }, NEWS_MAIL]);
  assert.deepEqual(record?.consents, []);
  const [entry] = await feedback.history();
  assert.deepEqual(entry?.origin, {
    ...{ actor: "recipient", source: "preference-page", evidence: `link of ${new Date(feedback.claim.issuedAt).toISOString()}` },
  });
  const undone = await feedback.post({ undo: hiddenOf(second.page, "undo") });
  assert.equal(saidOf(undone.page), "Undone. Your choices are as they were before.");
  const after = await feedback.record();
  assert.deepEqual([after?.optOuts, after?.consents, after?.version], [[], [NEWS_MAIL], 3]);
});

test("a save without a change writes nothing", async () => {
  await using feedback = await serve();
  const { status, page } = await feedback.save(await feedback.page(), {});
  assert.deepEqual([status, saidOf(page)], [200, "Nothing was changed. Your choices were as you wanted them already."]);
  assert.equal(await feedback.record(), undefined);
});

test("of two tabs the second overwrites nothing: it is shown what is stored", async () => {
  await using feedback = await serve();
  const tab = await feedback.page();
  await feedback.save(await feedback.page(), { "orders.email": false });
  const { status, page } = await feedback.save(tab, { "orders.app": false });
  assert.equal(status, 409);
  assert.match(saidOf(page), /^Not saved\. Your choices were changed elsewhere/);
  assert.deepEqual([boxesOf(page)["orders.email"], boxesOf(page)["orders.app"]], ["off", "on"]);
  assert.deepEqual((await feedback.record())?.optOuts, [{ channel: "email", category: "orders" }]);
  // The same form again is no conflict.
  assert.equal((await feedback.save(tab, { "orders.email": false })).status, 200);
  assert.equal((await feedback.record())?.version, 1);
});

test("a change between reading and writing is not overwritten either", async () => {
  let race = async () => {};
  await using feedback = await serve({
    preferences: {
      get: (app, subject) => feedback.preferences.get(app, subject),
      history: (app, subject, before, limit) => feedback.preferences.history(app, subject, before, limit),
      async update(app, subject, change) {
        await race();
        return feedback.preferences.update(app, subject, change);
      },
    },
  });
  const sms: OptOut = { channel: "sms", category: "*" };
  race = async () =>
    void (await feedback.store.preferences.update(
      feedback.app.id,
      feedback.claim.subject,
      { optOut: [sms], origin: {} },
      feedback.clock.now(),
    ));
  const { status, page } = await feedback.save(await feedback.page(), { "orders.email": false });
  assert.equal(status, 409);
  assert.equal(hiddenOf(page, "version"), "1");
  assert.deepEqual((await feedback.record())?.optOuts, [sms]);
});

test("a category that was put after the page was opened is not turned off by it, and its new default is no consent", async () => {
  await using feedback = await serve();
  const shown = await feedback.page();
  const { id } = feedback.app;
  await feedback.store.apps.change(id, (app) => ({
    ...app!,
    categories: [
      ...app!.categories!.map((c) => (c.name === "orders" ? { ...c, default: "opted-out" as const } : c)),
      { name: "social", labels: {}, default: "opted-in" },
    ],
  }));
  await feedback.save(shown, { "newsletter.web": true });
  const record = await feedback.record();
  assert.deepEqual([record?.optOuts, record?.consents], [[], [{ channel: "webpush", category: "newsletter" }]]);
});

test("a pause ends by itself, keeps choices, and can be ended", async () => {
  await using feedback = await serve();
  const { page: saved } = await feedback.save(await feedback.page(), { "newsletter.email": true });
  const { page } = await feedback.post({ version: hiddenOf(saved, "version"), pause: "30" });
  assert.match(page, /<b>Paused until \d+ \w+\.<\/b> Only Security until then/);
  assert.equal(boxesOf(page)["newsletter.email"], "on");
  const until = feedback.clock.now() + 30 * DAY_MS;
  const record = await feedback.record();
  assert.deepEqual(record?.optOuts, [
    { channel: "*", category: "*", until },
    { ...NEWS_MAIL, until },
  ]);
  assert.deepEqual(record?.consents, [NEWS_MAIL]);
  const { page: resumed } = await feedback.post({ version: hiddenOf(page, "version"), resume: "now" });
  assert.match(saidOf(resumed), /^Resumed\./);
  const after = await feedback.record();
  assert.deepEqual([after?.optOuts, after?.consents], [[], [NEWS_MAIL]]);
});

test("everything off leaves what is required, and can be undone", async () => {
  await using feedback = await serve();
  const { page: saved } = await feedback.save(await feedback.page(), { "newsletter.email": true });
  const { page } = await feedback.post({ version: hiddenOf(saved, "version"), everything: "off" });
  assert.ok(Object.values(boxesOf(page)).every((state) => state === "off"));
  assert.match(page, /class="always"/);
  assert.doesNotMatch(page, /name="everything"|name="pause"/);
  await feedback.post({ undo: hiddenOf(page, "undo") });
  const record = await feedback.record();
  assert.deepEqual([record?.optOuts, record?.consents], [[], [NEWS_MAIL]]);
});

test("undo takes back the last change only, and only what a page did", async () => {
  await using feedback = await serve();
  const { id } = feedback.app;
  await feedback.preferences.update(id, feedback.claim.subject, { optOut: [NEWS_MAIL], origin: { source: "phone" } });
  assert.doesNotMatch(await feedback.page(), /name="undo"/);
  assert.equal((await feedback.post({ undo: "1" })).status, 409);
  const { page } = await feedback.save(await feedback.page(), { "orders.email": false });
  assert.equal(hiddenOf(page, "undo"), "2");
  await feedback.preferences.update(id, feedback.claim.subject, { forget: [NEWS_MAIL], origin: { source: "phone" } });
  assert.match(saidOf((await feedback.post({ undo: "2" })).page), /^Not undone\./);
  assert.equal((await feedback.record())?.version, 3);
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

test("everything off and pause are there while a hidden category is still sent, or a consent is left", async () => {
  await using feedback = await serve();
  const all = Object.fromEntries(Object.keys(boxesOf(await feedback.page())).map((name) => [name, false]));
  const { page } = await feedback.save(await feedback.page(), all);
  assert.ok(Object.values(boxesOf(page)).every((state) => state === "off"));
  assert.match(page, /name="pause".*name="everything"/s);
  const { page: off } = await feedback.post({ version: hiddenOf(page, "version"), everything: "off" });
  assert.doesNotMatch(off, /name="everything"|name="pause"/);
  const { page: on } = await feedback.save(off, { "newsletter.email": true });
  assert.match(on, /name="everything"/);
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

test("a brand's files are looked for by name before the store is asked, seldom, and with all else that pages read", async () => {
  let reads = 0;
  let isGoing = Promise.withResolvers<void>();
  isGoing.resolve();
  const brand = { names: {}, logo: { type: "image/png", base64: "" } } as const;
  const links = createBrandLinks(() => LINK_KEYS.keys);
  const find = async () => {
    reads += 1;
    await isGoing.promise;
    return { ...sampleApp(), brand };
  };
  const clock = createFakeClock();
  const [route] = createBrandRoutes({ links, apps: { find }, clock, inFlight: createInFlight(1) }, [""]);
  const ask = (path: string) =>
    route!.handle({
      ...{ method: "GET", path, query: new URLSearchParams(), headers: {}, body: Buffer.alloc(0) },
      signal: AbortSignal.timeout(10_000),
    });
  const id = links.idOf("shop", "another version") ?? "";
  for (const wrong of [`/brand/${id}`, `/brand/${id}/logo.png`, "/brand/x/logo"]) assert.equal((await ask(wrong)).status, 404);
  assert.equal(reads, 0);
  for (const _again of [1, 2]) assert.equal((await ask(`/brand/${id}/logo`)).status, 200);
  assert.equal(reads, 1);
  assert.equal((await ask(`/brand/${id}/logo`)).headers?.["cache-control"], "no-store", "it is not the brand that the URL names");
  isGoing = Promise.withResolvers();
  const other = links.idOf("bank", "v") ?? "";
  const waiting = ask(`/brand/${other}/logo`);
  assert.equal((await ask(`/brand/${id}/logo`)).status, 503);
  isGoing.resolve();
  assert.equal((await waiting).status, 200);
});

test("the brand's colors and logo are served by an id that says nothing, and cannot run anything", async () => {
  await using feedback = await serve();
  const { id } = feedback.app;
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>');
  await setBrand(feedback.store.apps, id, { names: { en: "Juniper <Books>" }, colors: { background: "#1f5c4a" }, logo: logoOf(svg) });
  const page = await feedback.page();
  assert.match(page, /<b>Juniper &#60;Books&#62;<\/b>/);
  const [, styles = ""] = /href="\.\.(\/brand\/[^"]+)"/.exec(page) ?? [];
  const [, logo = ""] = /<img src="\.\.(\/brand\/[^"]+)" alt="">/.exec(page) ?? [];
  assert.ok(!styles.includes(id) && !Buffer.from(styles, "base64url").toString().includes(id));
  assert.equal((await feedback.page()).includes(styles), true, "the same each time, so that browsers keep it");
  assert.match(await feedback.page(styles), /--brand: #1f5c4a;\n {2}--on-brand: #ffffff/);
  const served = await feedback.ask(logo);
  assert.deepEqual([served.headers.get("content-type"), served.headers.get("x-content-type-options")], ["image/svg+xml", "nosniff"]);
  assert.match(served.headers.get("content-security-policy") ?? "", /^default-src 'none';.*sandbox/);
  assert.equal(await served.text(), svg.toString());
  for (const at of [logo.slice(0, -5), `${logo}x`, "/brand/x/logo", styles.replace("style.css", "other")])
    assert.equal((await feedback.ask(at)).status, 404);
  const tooPale = setBrand(feedback.store.apps, id, { colors: { background: "#777777", text: "#ffffff" } });
  await assert.rejects(tooPale, /text-color on color has a contrast of 4\.47:1/);
});
