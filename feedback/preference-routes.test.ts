import assert from "node:assert/strict";
import { test } from "node:test";
import type { OptOut } from "../core/preferences/opt-out.ts";
import { boxesOf, DAY_MS, hiddenOf, serve } from "../test/support/preference-page.ts";

const NEWS_MAIL: OptOut = { channel: "email", category: "newsletter" };
const saidOf = (page: string) => /<p><b>(.+?)<\/b> (.*?)<\/p>/.exec(page)?.slice(1).join(" ") ?? "";

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
