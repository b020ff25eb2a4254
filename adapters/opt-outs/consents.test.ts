// Consents in Redis: added after the store has them, removed before the store loses them, so that one that is found is always true.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import type { PreferenceChange } from "../../core/preferences/change.ts";
import { noPreferences, type OptOut, type PreferenceRecord, userSubject } from "../../core/preferences/opt-out.ts";
import { changing } from "../../test/support/changing.ts";
import { eventually } from "../../test/support/eventually.ts";
import { APP, ask, BUCKETS, question, usePreferencesWorld } from "../../test/support/preferences-world.ts";
import { sampleApp } from "../../test/support/store/samples.ts";
import { createOptOutSets, type OptOutSets } from "./opt-out-sets.ts";
import { CACHE_MS } from "./process-cache.ts";
import { SWEEP_MS, WITHDRAWN_WITHIN_MS } from "./redis-opt-outs.ts";
import { newChain } from "./write-chain.ts";

const world = usePreferencesWorld();
const { over, start, redisAnswers } = world;
const news: OptOut = { channel: "email", category: "news" };
const everything: OptOut = { channel: "*", category: "*" };
const ada = userSubject("ada");
const all = Array.from({ length: BUCKETS }, (_, bucket) => bucket);
const consenting = (...consent: OptOut[]): PreferenceChange => ({ consent, origin: {} });
const MARK = "-4611686018427387904";

let { redis, store, watched, clock } = world;
let sets: OptOutSets;
beforeEach(async () => {
  ({ redis, store, watched, clock } = world);
  sets = createOptOutSets(redis, BUCKETS);
  const categories = [{ name: "news", labels: {}, default: "opted-out" as const }];
  await store.apps.change(APP, () => ({ ...sampleApp(), categories }));
});

const inRedis = async () => (await sets.read([{ app: APP, subject: ada, channel: "email", category: "news", consents: true }]))[0];
const sweep = async () => {
  clock.advance(SWEEP_MS);
  await eventually("swept", async () => Number(await redis.get("carillon:opt-out:swept")) === clock.now());
};
const apply = (record: PreferenceRecord) => sets.apply([{ record, withdrawn: [] }]);
const record = (version: number, over: Partial<PreferenceRecord>): PreferenceRecord => ({ ...noPreferences(APP, ada), version, ...over });

test("a consent is in Redis only once the store has it", async () => {
  let seen: unknown;
  await using p = over({
    ...watched.store,
    async update(...change) {
      const updated = await store.preferences.update(...change);
      seen = await inRedis();
      return updated;
    },
  });
  await redisAnswers(p);
  await p.update(APP, ada, consenting(news));
  assert.deepEqual([seen, await inRedis()], ["none", "consented"]);
});

for (const [how, change] of [
  ["forgotten", changing([], [news])],
  ["taken back by an opt-out", changing([news])],
  ["given an end", { consent: [{ ...news, until: 4e12 }], origin: {} }],
] as const)
  test(`a consent that is ${how} has left Redis before the store loses it`, async () => {
    let seen: unknown;
    await using p = over({
      ...watched.store,
      async update(...given) {
        seen = await inRedis();
        return store.preferences.update(...given);
      },
    });
    await redisAnswers(p);
    await p.update(APP, ada, consenting(news));
    assert.equal(await inRedis(), "consented");
    await p.update(APP, ada, change);
    assert.notEqual(seen, "consented");
    assert.notEqual(await inRedis(), "consented");
  });

test("who consented is answered by Redis alone, who did not by the store", async () => {
  await using one = await start();
  await using two = await start();
  await one.update(APP, ada, consenting({ channel: "*", category: "news" }));
  const mailbox: Endpoint = { channel: "email", address: "ada@example.org" };
  await eventually("the announcement has arrived", async () => {
    clock.advance(CACHE_MS + 1);
    watched.found = [];
    const answers = await two.check([question("ada", mailbox)]);
    return answers[0] === "allowed" && watched.found.length === 0;
  });
  clock.advance(CACHE_MS + 1);
  watched.found = [];
  assert.equal(await ask(two, "bob"), "no-consent");
  assert.deepEqual(watched.found, [userSubject("bob")]);
});

test("a consent beside an opt-out is judged by the store", async () => {
  await using p = await start();
  await p.update(APP, ada, { ...changing([everything]), consent: [news] });
  assert.equal(await inRedis(), "some");
  assert.equal(await ask(p), "allowed");
});

test("a question about an opted-in category is the same command with and without consents in Redis, and one", async () => {
  await using p = await start();
  await p.update(APP, ada, consenting({ channel: "email", category: "never-put" }));
  const commands: unknown[][] = [];
  const monitor = await redis.duplicate().monitor();
  monitor.on("monitor", (_time: string, args: string[]) => {
    if (/^eval$/i.test(args[0] ?? "") && args[1]?.includes("SMISMEMBER")) commands.push(args);
  });
  try {
    clock.advance(CACHE_MS + 1);
    watched.found = [];
    assert.equal(await ask(p, "carl", "email", "never-put"), "allowed");
    await eventually("it is seen", () => commands.length > 0);
    assert.deepEqual([commands.length, commands[0]?.[2], watched.found], [1, "2", []], "the sweeps' count, and one set");
    assert.equal(await ask(p, "carl"), "no-consent");
    await eventually("it is seen", () => commands.length > 1);
    assert.deepEqual([commands.length, commands[1]?.[2]], [2, "3"], "still one read");
  } finally {
    monitor.disconnect();
  }
});

test("a consent that only the store lost is gone from Redis with the next sweep, whatever came after", async () => {
  await using p = await start();
  await p.update(APP, ada, consenting(news));
  // As if Redis had not been reached, twice.
  await store.preferences.update(APP, ada, changing([], [news]), clock.now());
  await store.preferences.update(APP, ada, changing([{ channel: "sms", category: "ads" }]), clock.now());
  assert.equal(await inRedis(), "consented");
  await sweep();
  assert.equal(await inRedis(), "none");
});

test("the newest version wins, in whatever order they arrive", async () => {
  await using _p = await start();
  await apply(record(3, { withdrawn: [news] }));
  await apply(record(2, { consents: [news] }));
  assert.equal(await inRedis(), "none");
  await apply(record(4, { consents: [news] }));
  assert.equal(await inRedis(), "consented");
});

test("while a change is unconfirmed, nobody puts back the consent that it may have withdrawn", async () => {
  let late: Parameters<PreferenceStore["update"]> | undefined;
  const failing: PreferenceStore = {
    ...watched.store,
    async update(...change) {
      if (change[2].forget?.length === 0 || late) return store.preferences.update(...change);
      late = change;
      throw new Error("not confirmed by a majority in time");
    },
  };
  await using one = over(failing);
  await using two = await start();
  await redisAnswers(one);
  await two.update(APP, ada, consenting(news));
  assert.equal(await one.update(APP, ada, changing([], [news])), undefined);
  assert.equal(await inRedis(), "none");
  await sweep();
  assert.equal(await inRedis(), "none", "the sweep finds it in the store, and leaves it out");
  assert.equal(await ask(two), "allowed", "the store still has it");
  await store.preferences.update(...late!);
  clock.advance(CACHE_MS + 1);
  for (const p of [one, two]) assert.equal(await ask(p), "no-consent");
});

test("nor while the process that made it has died", async () => {
  await using _p = await start();
  await sets.add([{ id: "late", app: APP, subject: ada, optOuts: [], consents: [news] }]);
  await apply(record(1, { consents: [news] }));
  assert.equal(await inRedis(), "none");
  await sets.apply([{ record: record(2, { consents: [news] }), withdrawn: [], confirms: "late" }]);
  assert.equal(await inRedis(), "consented");
});

test("a process that was paused for long puts no consent back", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let isStored = false;
  await using p = over({
    ...watched.store,
    async update(...change) {
      const updated = await store.preferences.update(...change);
      isStored = true;
      await gate;
      return updated;
    },
  });
  await redisAnswers(p);
  const updating = p.update(APP, ada, consenting(news));
  await eventually("it is stored", () => isStored);
  watched.heldChanges = new Promise(() => {});
  await store.preferences.update(APP, ada, changing([], [news]), clock.now());
  clock.advance(WITHDRAWN_WITHIN_MS + 1);
  open();
  await updating;
  await eventually("it went on", async () => (await redis.keys("carillon:optver:*")).length > 0);
  assert.notEqual(await inRedis(), "consented");
});

test("a rebuild fills consents, leaves out those of unconfirmed changes, and takes out those an old copy holds", async () => {
  const chain = newChain("test");
  await sets.markBuckets(all, MARK, chain);
  // As from an old copy: bob withdrew meanwhile.
  const bob = userSubject("bob");
  const at = (subject: string) => sets.read([{ app: APP, subject, channel: "email", category: "news", consents: true }]);
  await apply({ ...noPreferences(APP, bob), version: 1, consents: [news] });
  const eve = userSubject("eve");
  await sets.add([{ id: "late", app: APP, subject: eve, optOuts: [], consents: [news] }]);
  const of = (subject: string, over: Partial<PreferenceRecord>) => ({ ...noPreferences(APP, subject), version: 2, ...over });
  const records = [
    of(ada, { consents: [news, { channel: "sms", category: "*", until: 9 }] }),
    of(bob, { withdrawn: [news] }),
    of(eve, { consents: [news] }),
  ];
  await sets.fill(records, new Set(all), chain);
  assert.deepEqual(await at(ada), ["unknown"], "not before it is complete");
  await sets.seal(all, MARK, chain);
  assert.deepEqual([await at(ada), await at(bob), await at(eve)], [["consented"], ["none"], ["none"]]);
});
