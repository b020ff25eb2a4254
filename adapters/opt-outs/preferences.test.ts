import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { endpointSubject, noPreferences, type OptOut, userSubject } from "../../core/preferences/opt-out.ts";
import { changing } from "../../test/support/changing.ts";
import { eventually } from "../../test/support/eventually.ts";
import { APP, ask, BUCKETS, question, usePreferencesWorld } from "../../test/support/preferences-world.ts";
import { endpointId, endpointIds } from "../ids.ts";
import { createOptOutSets } from "./opt-out-sets.ts";
import { CACHE_MS } from "./process-cache.ts";

const world = usePreferencesWorld();
const { storeOnly, start, redisAnswers } = world;
const news: OptOut = { channel: "email", category: "news" };
const ada = userSubject("ada");
let { redis, store, watched, clock } = world;
beforeEach(() => {
  ({ redis, store, watched, clock } = world);
});

test("an opt-out is honoured by the process that stored it, by the others, and without Redis", async () => {
  await using one = await start();
  await using two = await start();
  await using three = storeOnly();
  for (const p of [one, two, three]) assert.equal(await ask(p), "allowed");
  clock.advance(CACHE_MS + 1);
  const record = await one.update(APP, ada, changing([news]));
  assert.deepEqual(record?.optOuts, [news]);
  for (const p of [one, two, three]) {
    assert.equal(await ask(p), "opted-out");
    assert.equal(await ask(p, "ada", "sms"), "allowed");
    assert.equal(await ask(p, "ada", "email", "receipts"), "allowed");
    assert.equal(await ask(p, "bob"), "allowed");
    assert.equal(await ask(p, "ada", "email", "news", "other-app"), "allowed");
  }
});

test("an opt-in with the same channel and category revokes an opt-out everywhere", async () => {
  await using one = await start();
  await using two = await start();
  await one.update(APP, ada, changing([news, { channel: "sms", category: "*" }]));
  await eventually("the other one opts out", async () => (await ask(two)) === "opted-out");
  assert.equal(await ask(one), "opted-out");
  const record = await two.update(APP, ada, changing([], [news]));
  assert.equal(record?.version, 2);
  await eventually("the first one allows", async () => (await ask(one)) === "allowed");
  assert.equal(await ask(one, "ada", "sms"), "opted-out");
  assert.deepEqual((await one.get(APP, ada))?.optOuts, [{ channel: "sms", category: "*" }]);
  assert.deepEqual(await one.get(APP, userSubject("unknown")), noPreferences(APP, "user:unknown"));
});

test("an opt-in removes what a confirmed opt-out added, so that checks need no store again", async () => {
  await using p = await start();
  await p.update(APP, ada, changing([news]));
  await p.update(APP, ada, changing([], [news]));
  const [reading] = await createOptOutSets(redis, BUCKETS).read([{ app: APP, subject: ada, channel: "email", category: "news" }]);
  assert.equal(reading, "none");
  assert.deepEqual(await redis.keys("carillon:optunconfirmed:*"), []);
});

test("a star opts out every channel, every category, or everything", async () => {
  await using p = await start();
  await p.update(APP, userSubject("a"), changing([{ channel: "*", category: "news" }]));
  await p.update(APP, userSubject("b"), changing([{ channel: "sms", category: "*" }]));
  await p.update(APP, userSubject("c"), changing([{ channel: "*", category: "*" }]));
  const answers = (user: string) => Promise.all([ask(p, user, "email", "news"), ask(p, user, "sms", "news"), ask(p, user, "sms", "other")]);
  assert.deepEqual(await answers("a"), ["opted-out", "opted-out", "allowed"]);
  assert.deepEqual(await answers("b"), ["allowed", "opted-out", "opted-out"]);
  assert.deepEqual(await answers("c"), ["opted-out", "opted-out", "opted-out"]);
});

test("an endpoint's opt-out holds for every user and every spelling", async () => {
  await using p = await start();
  const endpoint: Endpoint = { channel: "email", address: "ada@example.org" };
  const shouted: Endpoint = { channel: "email", address: "ADA@Example.org" };
  await p.update(APP, endpointSubject(endpointId(endpoint)), changing([{ channel: "*", category: "*" }]));
  assert.deepEqual(
    await p.check([
      question("ada", endpoint),
      question("bob", shouted),
      question(undefined, endpoint),
      question("ada"),
      question(undefined),
    ]),
    ["opted-out", "opted-out", "opted-out", "allowed", "unknown"],
  );
});

test("an endpoint's opt-out holds for a push URL with a fragment, and where it was stored under that spelling", async () => {
  await using p = await start();
  const at = (pushUrl: string): Endpoint => ({ channel: "webpush", pushUrl, p256dh: "BPub", auth: "secret" });
  const all = [{ channel: "*", category: "*" }] as const;
  await p.update(APP, endpointSubject(endpointId(at("https://push.example/a"))), changing(all));
  const [, formerId = ""] = endpointIds(at("https://push.example/b#x"));
  await p.update(APP, endpointSubject(formerId), changing(all));
  const asked = ["https://push.example/a#x", "https://PUSH.example:443/a", "https://push.example/b#x", "https://push.example/c#x"];
  const answers = await p.check(asked.map((url) => question("bob", at(url))));
  assert.deepEqual(answers, ["opted-out", "opted-out", "opted-out", "allowed"]);
});

test("the store is read only for users that Redis reports as opted out, once per cache period", async () => {
  await using one = await start();
  await using two = await start();
  await one.update(APP, ada, changing([news]));
  const both = async () => {
    watched.found = [];
    assert.deepEqual(await two.check([question("ada"), question("bob")]), ["opted-out", "allowed"]);
    return watched.found;
  };
  await eventually("the announcement has arrived, and what was read after it is cached", async () => (await both()).length === 0);
  clock.advance(CACHE_MS + 1);
  assert.deepEqual(await both(), [ada]);
  assert.deepEqual(await both(), []);
});

test("an outdated member in Redis costs a read and suppresses nothing", async () => {
  await using p = await start();
  const stray = { ...noPreferences(APP, ada), version: 1, optOuts: [news] };
  await createOptOutSets(redis, BUCKETS).apply([{ record: stray, withdrawn: [] }]);
  assert.equal(await ask(p), "allowed");
  assert.deepEqual(watched.found, [ada]);
});

test("a change without an announcement is honoured once the cache entry expires", async () => {
  await using p = await start();
  assert.equal(await ask(p), "allowed");
  const record = await store.preferences.update(APP, ada, changing([news]), clock.now());
  await createOptOutSets(redis, BUCKETS).apply([{ record, withdrawn: [] }]);
  clock.advance(CACHE_MS);
  assert.equal(await ask(p), "allowed", "answered from the cache, or the test proves nothing");
  clock.advance(1);
  assert.equal(await ask(p), "opted-out");
});

test("a read that began before a change is not cached", async () => {
  await using p = storeOnly();
  let release = () => {};
  watched.heldFind = new Promise((resolve) => {
    release = resolve;
  });
  const early = ask(p);
  await eventually("it was read", () => watched.found.length === 1);
  watched.heldFind = undefined;
  await p.update(APP, ada, changing([news]));
  release();
  assert.equal(await early, "allowed");
  assert.equal(await ask(p), "opted-out");
});

test("a read in another process that began before a change is not cached either", async () => {
  await using one = await start();
  await using two = await start();
  await one.update(APP, ada, changing([{ channel: "sms", category: "news" }, news]));
  let release = () => {};
  await eventually("the other one has nothing cached", async () => {
    clock.advance(CACHE_MS + 1);
    await redisAnswers(two);
    return true;
  });
  watched.heldFind = new Promise((resolve) => {
    release = resolve;
  });
  watched.found = [];
  const early = ask(two);
  await eventually("it was read", () => watched.found.length === 1);
  watched.heldFind = undefined;
  await one.update(APP, ada, changing([], [news]));
  // Another subject's change is announced after the first: once it has arrived, so has the first.
  assert.equal(await ask(two, "bob"), "allowed");
  await one.update(APP, userSubject("bob"), changing([news]));
  await eventually("the announcement has arrived", async () => (await ask(two, "bob")) === "opted-out");
  release();
  assert.equal(await early, "opted-out");
  assert.equal(await ask(two), "allowed");
});

test("with many concurrent changes, no user whose last change was an opt-out is answered as allowed", async () => {
  await using one = await start();
  await using two = await start();
  const users = Array.from({ length: 20 }, (_, n) => `crossing-${n}`);
  await Promise.all(
    users.flatMap((user, n) =>
      [0, 1, 2, 3, 4, 5].map((turn) =>
        (turn % 2 ? one : two).update(APP, userSubject(user), changing((n + turn) % 2 ? [news] : [], (n + turn) % 2 ? [] : [news])),
      ),
    ),
  );
  const truth = await Promise.all(
    users.map(async (user) => ((await store.preferences.find(APP, [userSubject(user)]))[0]?.optOuts.length ? "opted-out" : "allowed")),
  );
  const readings = await createOptOutSets(redis, BUCKETS).read(
    users.map((user) => ({ app: APP, subject: userSubject(user), channel: "email" as const, category: "news" })),
  );
  assert.deepEqual(
    readings,
    truth.map((t) => (t === "opted-out" ? "some" : "none")),
  );
  clock.advance(CACHE_MS + 1);
  for (const p of [one, two]) assert.deepEqual(await p.check(users.map((u) => question(u))), truth);
});

test("without the store Redis answers; without both the answer is unknown", async () => {
  await using p = await start();
  await p.update(APP, ada, changing([news]));
  watched.away = true;
  const critical = { ...question("ada"), notificationClass: "critical" } as const;
  assert.deepEqual(await p.check([question("ada"), critical, question("bob")]), ["unknown", "opted-out", "allowed"]);
  assert.equal(await p.update(APP, ada, changing([], [news])), undefined);
  assert.equal(await p.get(APP, ada), undefined);
  await using without = storeOnly();
  assert.deepEqual(await without.check([question("ada"), question("bob")]), ["unknown", "unknown"]);
});

test("a store that does not answer in time counts as unavailable", async () => {
  await using p = storeOnly();
  watched.heldFind = new Promise(() => {});
  const answer = ask(p);
  await eventually("it was read", () => watched.found.length === 1);
  clock.advance(1_000);
  assert.equal(await answer, "unknown");
});
