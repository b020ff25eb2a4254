// What a category's default does to an answer, and how soon a change of it holds.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { NotificationClass } from "../../core/delivery/channel.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { Block } from "../../core/preferences/block.ts";
import type { Category } from "../../core/preferences/category.ts";
import type { PreferenceChange } from "../../core/preferences/change.ts";
import { endpointSubject, type OptOut, userSubject } from "../../core/preferences/opt-out.ts";
import { OPT_OUT_BOUND, OPT_OUT_BOUND_MS } from "../../core/preferences/opt-out-bound.ts";
import { changing } from "../../test/support/changing.ts";
import { eventually } from "../../test/support/eventually.ts";
import { APP, ask, BUCKETS, question, usePreferencesWorld } from "../../test/support/preferences-world.ts";
import { sampleApp } from "../../test/support/store/samples.ts";
import { endpointId } from "../ids.ts";
import { DEFAULTS_LIFE_MS } from "./category-defaults.ts";
import { createOptOutSets } from "./opt-out-sets.ts";
import type { Preferences } from "./preferences.ts";

const world = usePreferencesWorld();
const { start, storeOnly } = world;
const ada = userSubject("ada");
const news: OptOut = { channel: "email", category: "news" };
const everything: OptOut = { channel: "*", category: "*" };
let { store, watched, clock } = world;
beforeEach(() => {
  ({ store, watched, clock } = world);
});

const put = (...categories: Category[]) => store.apps.change(APP, () => ({ ...sampleApp(), categories }));
const newsOf = (over: Partial<Category>): Category => ({ name: "news", labels: {}, default: "opted-in", ...over });
const consenting = (...consent: OptOut[]): PreferenceChange => ({ consent, origin: {} });

for (const [name, open] of [
  ["with Redis", () => start()],
  ["from the store alone", async () => storeOnly()],
] as const) {
  test(`${name}: nobody is sent to in an opted-out category who did not consent`, async () => {
    await put(newsOf({ default: "opted-out" }));
    await using p = await open();
    assert.equal(await ask(p), "no-consent");
    assert.equal(await ask(p, "ada", "email", "orders"), "allowed", "a category that was never put");
    await p.update(APP, ada, consenting(news));
    assert.equal(await ask(p), "allowed");
    assert.equal(await ask(p, "ada", "sms"), "no-consent");
    assert.equal(await ask(p, "bob"), "no-consent");
    await p.update(APP, ada, changing([], [news]));
    assert.equal(await ask(p), "no-consent");
  });

  test(`${name}: a consent goes before a wider opt-out, and a narrower opt-out before a consent`, async () => {
    await using p = await open();
    await p.update(APP, ada, { ...changing([everything]), consent: [{ channel: "*", category: "news" }] });
    assert.equal(await ask(p), "allowed");
    assert.equal(await ask(p, "ada", "email", "orders"), "opted-out");
    await p.update(APP, ada, changing([news]));
    assert.equal(await ask(p), "opted-out");
    assert.equal(await ask(p, "ada", "sms"), "allowed");
  });

  test(`${name}: what is required knows no choices, but blocks`, async () => {
    await put(newsOf({ default: "required" }));
    await using p = await open();
    const mailbox: Endpoint = { channel: "email", address: "ada@example.org" };
    await p.update(APP, ada, changing([everything]));
    const answer = async () => (await p.check([question("ada", mailbox)]))[0];
    assert.equal(await answer(), "allowed");
    const block: Block = { kind: "bounce", reason: "550", source: "smtp", at: 1 };
    await p.update(APP, endpointSubject(endpointId(mailbox)), { block: [block], origin: {} });
    assert.equal(await answer(), "bounced");
    await p.update(APP, endpointSubject(endpointId(mailbox)), { lift: [block], origin: {} });
    assert.equal(await answer(), "allowed");
  });

  test(`${name}: a channel that is off waits for a consent`, async () => {
    await put(newsOf({ channelsOff: ["sms"] }));
    await using p = await open();
    assert.deepEqual([await ask(p), await ask(p, "ada", "sms")], ["allowed", "no-consent"]);
  });

  test(`${name}: the default of a tenant holds for its users, and is read live`, async () => {
    await put(newsOf({ tenantDefaults: { strict: "opted-out" } }));
    await store.profiles.put(APP, "ada", { tenant: "strict" }, 1);
    await using p = await open();
    const both = () => p.check([question("ada"), question("bob"), question(undefined, { channel: "email", address: "x@example.org" })]);
    assert.deepEqual(await both(), ["no-consent", "allowed", "allowed"]);
    await store.profiles.put(APP, "ada", {}, 2);
    clock.advance(DEFAULTS_LIFE_MS + 1);
    assert.deepEqual(await both(), ["allowed", "allowed", "allowed"]);
  });

  test(`${name}: a block holds for its classes and its sender`, async () => {
    await using p = await open();
    const phone: Endpoint = { channel: "sms", phoneNumber: "+491701234567" };
    const block: Block = { kind: "stop", pool: "deals", classes: ["marketing"], reason: "STOP", source: "twilio", at: 1 };
    await p.update(APP, endpointSubject(endpointId(phone)), { block: [block], origin: {} });
    const asked = (notificationClass: NotificationClass, pool?: string) => ({ ...question("ada", phone, "sms"), notificationClass, pool });
    const questions = [asked("marketing", "deals"), asked("marketing"), asked("critical", "deals")];
    assert.deepEqual(await p.check(questions), ["stopped", "allowed", "allowed"]);
  });
}

test("a change of a default holds within the bound of an opt-out", async () => {
  await using p = await start();
  assert.equal(await ask(p), "allowed");
  await put(newsOf({ default: "opted-out" }));
  clock.advance(DEFAULTS_LIFE_MS + 1);
  assert.equal(await ask(p), "no-consent");
  assert.ok(DEFAULTS_LIFE_MS + OPT_OUT_BOUND.askToSendMs + OPT_OUT_BOUND.sendMs <= OPT_OUT_BOUND_MS);
});

test("where defaults cannot be read nothing is allowed, and a block that is known holds", async () => {
  let isAway = true;
  const apps = {
    find: async (id: string) => {
      if (isAway) throw new Error("the store is away");
      return store.apps.find(id);
    },
  };
  await using p = world.over(watched.store, apps);
  const mailbox: Endpoint = { channel: "email", address: "ada@example.org" };
  const block: Block = { kind: "complaint", reason: "abuse", source: "sendgrid", at: 1 };
  await store.preferences.update(APP, endpointSubject(endpointId(mailbox)), { block: [block], origin: {} }, clock.now());
  const both = () => p.check([question("bob"), question("bob", mailbox)]);
  assert.deepEqual(await both(), ["unknown", "complained"]);
  isAway = false;
  assert.deepEqual(await both(), ["allowed", "complained"]);
});

test("where the default cannot be read, critical is not sent against a choice that is known, and the rest waits", async () => {
  const apps = { find: () => Promise.reject(new Error("the store is away")) };
  await using p = world.over(watched.store, apps);
  await store.preferences.update(APP, ada, changing([everything]), clock.now());
  const asked = (userId: string, notificationClass: NotificationClass) => ({ ...question(userId), notificationClass });
  const answers = await p.check([
    asked("ada", "critical"),
    asked("ada", "transactional"),
    asked("ada", "marketing"),
    asked("bob", "critical"),
  ]);
  // Marketing is refused under every default.
  assert.deepEqual(answers, ["opted-out", "unknown", "opted-out", "unknown"]);
});

test("the apps of a batch are read at once: a store that hangs costs one deadline", async () => {
  const asked = new Set<string>();
  const apps = {
    find(id: string) {
      asked.add(id);
      return new Promise<undefined>(() => undefined);
    },
  };
  await using p = world.over(watched.store, apps);
  const answers = p.check(Array.from({ length: 50 }, (_, i) => question("ada", undefined, "email", "news", `app-${i}`)));
  await eventually("each app is asked for", async () => asked.size === 50);
  clock.advance(800);
  assert.deepEqual(new Set(await answers), new Set(["unknown"]));
});

test("an ended pause says nothing any more, without a change", async () => {
  await using p = await start();
  await p.update(APP, ada, changing([{ ...everything, until: clock.now() + 60_000 }]));
  assert.equal(await ask(p), "opted-out");
  clock.advance(60_000);
  assert.equal(await ask(p), "allowed");
});

test("an ended pause is taken out of Redis by who finds it there, unless it was begun again", async () => {
  await using p = await start();
  await p.update(APP, ada, changing([{ ...everything, until: clock.now() + 1_000 }]));
  const sets = createOptOutSets(world.redis, BUCKETS);
  const inRedis = async () => (await sets.read([{ app: APP, subject: ada, channel: "email", category: "news" }]))[0];
  clock.advance(1_000);
  assert.equal(await ask(p), "allowed");
  assert.equal(await inRedis(), "some", "for another process's clock it may not have ended");
  clock.advance(61_000);
  await world.redisAnswers(p);
  await eventually("it is out", async () => (await ask(p)) === "allowed" && (await inRedis()) === "none");
  await p.update(APP, ada, changing([{ ...everything, until: clock.now() + 1_000 }]));
  assert.deepEqual([await ask(p), await inRedis()], ["opted-out", "some"]);
});

test("of what Redis holds and the store cannot confirm, critical is refused, and the rest waits", async () => {
  await put(newsOf({}), newsOf({ name: "codes", default: "required" }));
  await using p: Preferences = await start();
  await p.update(APP, ada, changing([everything]));
  await ask(p, "bob");
  watched.away = true;
  const asked = (category: string, notificationClass: NotificationClass) => ({ ...question("ada"), category, notificationClass });
  const questions = [asked("news", "critical"), asked("news", "transactional"), asked("codes", "critical"), question("bob")];
  assert.deepEqual(await p.check(questions), ["opted-out", "unknown", "unknown", "allowed"]);
});
