import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../adapters/store/open-store.ts";
import { retentionOfDays } from "../core/apps/retention.ts";
import { RELEASE_MS } from "../core/content/reference.ts";
import type { NotificationRecord } from "../core/delivery/notification.ts";
import type { Store } from "../core/ports/store.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { eventually } from "../test/support/eventually.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { hexId, sampleApp, sampleChange, sampleNotification } from "../test/support/store/samples.ts";
import { createRelayMetrics } from "./metrics.ts";
import { keepRetention, type RetentionParts, ROUND_EVERY_MS } from "./retention.ts";

const DAY_MS = 86_400_000;
const NOW = Date.now();
const all = (days: number) => ({ critical: days, transactional: days, marketing: days });

/** Notifications that ended so many days ago. */
async function insertEnded(store: Store, ages: readonly number[], over: Partial<NotificationRecord> = {}): Promise<NotificationRecord[]> {
  const records = ages.map(() => sampleNotification([NOW], { acceptedAt: NOW - 1_000 * DAY_MS, ...over }));
  await store.notifications.insert(records);
  const end = (age: number) => ({ state: "sent", nextAt: undefined, endedAt: NOW - age * DAY_MS }) as const;
  await store.notifications.change(records.map((record, i) => sampleChange(record, 0, end(ages[i]!))));
  return records;
}

const stateOf = async (store: Store, { id }: NotificationRecord) => {
  const found = await store.notifications.find(id);
  return found === undefined ? "gone" : found.contentDeletedAt === undefined ? "whole" : "bare";
};

async function world(over: Partial<RetentionParts> = {}) {
  const store = await openStore("sqlite::memory:");
  await store.apps.change("shop", () => sampleApp());
  const clock = createFakeClock(NOW);
  const ending = new AbortController();
  const lines: string[] = [];
  const registry = createMetrics("test", { defaults: false });
  const parts: RetentionParts = {
    ...{ store, clock, worker: hexId(), budgetMs: 30, signal: ending.signal },
    retention: retentionOfDays(all(30), all(400)),
    log: createLogger("test", "info", { write: (line) => void lines.push(line) }),
    metrics: createRelayMetrics(registry),
    ...over,
  };
  let running = Promise.resolve();
  return {
    ...{ store, clock, parts, lines },
    metrics: () => registry.registry.metrics(),
    start: (more: Partial<RetentionParts> = {}) => {
      running = keepRetention({ ...parts, ...more });
    },
    until: (what: string, holds: () => Promise<boolean>) =>
      eventually(what, async () => {
        clock.advance(ROUND_EVERY_MS / 4);
        return holds();
      }),
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await running;
      await store[Symbol.asyncDispose]();
    },
  };
}

test("contents and notifications go when their time is over, and what is younger stays", async () => {
  await using w = await world();
  const [old, middle, young] = await insertEnded(w.store, [401, 31, 29]);
  const [critical] = await insertEnded(w.store, [31], { notificationClass: "critical" });
  w.start();
  await w.until("both are done", async () => (await stateOf(w.store, old!)) === "gone" && (await stateOf(w.store, critical!)) === "bare");
  assert.deepEqual([await stateOf(w.store, middle!), await stateOf(w.store, young!)], ["bare", "whole"]);
  await w.until("it is logged", async () => w.lines.length > 0);
  const line = JSON.parse(w.lines[0]!) as Record<string, unknown>;
  assert.deepEqual([line.msg, line.removed], ["removed what is older than its retention", { contents: 3, notifications: 1 }]);
  const behind = Number(line.contentsBehindSeconds) - (371 * DAY_MS) / 1_000;
  assert.ok(behind >= 60 && behind < 600, `${behind}`);
  assert.match(await w.metrics(), /carillon_retention_removed_total\{of="contents"[^}]*\} 3/);
});

test("an app has days of its own, by class", async () => {
  await using w = await world();
  await w.store.apps.change("bank", () =>
    sampleApp({ limits: { contentDays: { transactional: 2 }, metadataDays: { transactional: 40 } } }),
  );
  const [bank, bankOld] = await insertEnded(w.store, [3, 41], { app: "bank" });
  const [shop, shopOld] = await insertEnded(w.store, [3, 41]);
  w.start();
  await w.until(
    "the bank's is done",
    async () => (await stateOf(w.store, bankOld!)) === "gone" && (await stateOf(w.store, bank!)) === "bare",
  );
  await w.until("the shop's is done", async () => (await stateOf(w.store, shopOld!)) === "bare");
  assert.equal(await stateOf(w.store, shop!), "whole");
});

test("a backlog of many calls is removed to the end, large contents too", async () => {
  await using w = await world();
  const hash = hexId() + hexId();
  await w.store.contents.put([{ app: "shop", hash, content: { sms: { text: "x" } }, keepUntil: NOW + 50 * DAY_MS }]);
  const records = await insertEnded(
    w.store,
    Array.from({ length: 230 }, () => 31),
    { contentHashes: { sms: hash } },
  );
  w.start();
  await w.until("every content is gone", async () => {
    const states = await Promise.all(records.map((record) => stateOf(w.store, record)));
    return states.every((state) => state === "bare");
  });
  w.clock.advance(RELEASE_MS);
  await w.until("the large content is gone", async () => (await w.store.contents.get("shop", hash)) === undefined);
});

test("one relay at a time does it, and another follows where it stops", async () => {
  await using w = await world();
  await w.store.lease("retention", "another", w.clock.now(), w.clock.now() + 10 * ROUND_EVERY_MS);
  const [old] = await insertEnded(w.store, [31]);
  w.start();
  let rounds = 0;
  await w.until("it has asked some times", async () => {
    assert.equal(await stateOf(w.store, old!), "whole");
    return ++rounds === 20;
  });
  await w.until("the lease is over", async () => (await stateOf(w.store, old!)) === "bare");
});

test("a clock that is ahead of the store's purges no later than the store lets it", async () => {
  await using w = await world({ retention: retentionOfDays(all(30), all(35)) });
  await w.store.apps.change("bank", () => sampleApp());
  const [old, oldOfBank] = [await insertEnded(w.store, [36]), await insertEnded(w.store, [36], { app: "bank" })];
  w.clock.advance(10 * 60_000);
  w.start();
  await w.until(
    "both are gone",
    async () => (await stateOf(w.store, old[0]!)) === "gone" && (await stateOf(w.store, oldOfBank[0]!)) === "gone",
  );
  assert.equal(w.lines.filter((line) => line.includes("fails; it is kept longer")).length, 0);
});

test("an app whose notifications cannot be removed stops no other, and is logged once", async () => {
  await using w = await world();
  await w.store.apps.change("bank", () => sampleApp());
  const [[shop], [bank]] = [await insertEnded(w.store, [401]), await insertEnded(w.store, [401], { app: "bank" })];
  let failures = 0;
  const fail = (app: string) => (app === "bank" ? Promise.reject(new Error(`this one fails: ${++failures}`)) : undefined);
  const deleteContent: Store["deleteContent"] = (...given) => fail(given[0].app) ?? w.store.deleteContent(...given);
  const purge: Store["purge"] = (...given) => fail(given[0].app) ?? w.store.purge(...given);
  w.start({ store: { ...w.store, deleteContent, purge } });
  await w.until("the shop's is gone", async () => (await stateOf(w.store, shop!)) === "gone");
  await w.until("it was tried for more than a round", async () => failures > 6);
  assert.equal(await stateOf(w.store, bank!), "whole");
  assert.equal(w.lines.filter((line) => line.includes("fails; it is kept longer")).length, 1);
});

test("a failure is logged once, and tried again", async () => {
  await using w = await world();
  const [old] = await insertEnded(w.store, [31]);
  let failures = 0;
  const deleteContent: Store["deleteContent"] = (...given) =>
    failures++ < 2 ? Promise.reject(new Error("the store is away")) : w.store.deleteContent(...given);
  w.start({ store: { ...w.store, deleteContent } });
  await w.until("it is done", async () => (await stateOf(w.store, old!)) === "bare");
  await w.until("it is logged", async () => w.lines.join().includes("works again"));
  assert.equal(w.lines.filter((line) => line.includes("fails; it is kept longer")).length, 1);
});

test("operators' actions are kept as long as the history of preferences", async () => {
  await using w = await world({ historyMs: 10 * DAY_MS });
  const action = { actor: "ada", action: "pause", target: "channel:sms", reason: "an incident" };
  for (const [id, days] of [
    ["a", 11],
    ["b", 9],
  ] as const)
    await w.store.steering.log({ id, at: NOW - days * DAY_MS, ...action });
  w.start();
  await w.until("the older one is gone", async () => (await w.store.steering.actions(undefined, 9)).length === 1);
  assert.equal((await w.store.steering.actions(undefined, 9))[0]?.id, "b");
});
