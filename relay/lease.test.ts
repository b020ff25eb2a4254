import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../adapters/store/open-store.ts";
import { type Channel, CLASSES, type NotificationClass } from "../core/delivery/channel.ts";
import type { NotificationRecord } from "../core/delivery/notification.ts";
import type { NotificationStore } from "../core/ports/notification-store.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { anyChange } from "../test/support/changes.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { noShares } from "../test/support/no-shares.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { createLease, planTakes } from "./lease.ts";
import { measureOnce } from "./measure.ts";
import { createRelayMetrics } from "./metrics.ts";
import { createOutbox, LEASE_MAX } from "./outbox.ts";

const NOW = Date.UTC(2026, 0, 5, 12);

test("a take gives each class strictly what it can use, and the lower ones a tenth each", () => {
  const takes = planTakes(["critical.sms.a", "marketing.sms.a", "transactional.sms.a", "transactional.sms.b"], 500, {});
  assert.deepEqual(takes, [
    { key: "critical.sms.a", limit: 400 },
    { key: "transactional.sms.a", limit: 25 },
    { key: "transactional.sms.b", limit: 25 },
    { key: "marketing.sms.a", limit: 50 },
  ]);
  assert.deepEqual(planTakes(["marketing.sms.a"], 500, {}), [{ key: "marketing.sms.a", limit: 500 }]);
});

test("a take never asks for more than its limit", () => {
  const keys = CLASSES.flatMap((c) => Array.from({ length: 100 }, (_, i) => `${c}.sms.app-${i}`));
  for (const limit of [0, 1, 2, 7, 30, 500])
    for (const key of keys) {
      const takes = planTakes(keys, limit, { critical: key, marketing: key });
      assert.ok(takes.reduce((sum, take) => sum + take.limit, 0) <= limit);
      assert.ok(takes.every((take) => take.limit > 0));
    }
});

for (const count of [1, 31, 32, 33, 63, 64, 65, 96, 100, 128, 160, 200])
  for (const { what, isFull } of [
    { what: "each key has one due", isFull: () => false },
    { what: "each key has more than is leased", isFull: () => true },
    { what: "some keys have more than is leased", isFull: (i: number) => i % 3 === 0 },
  ])
    test(`of ${count} keys each is leased from within as few iterations as there can be, where ${what}`, async () => {
      const keys = CLASSES.flatMap((c) => Array.from({ length: count }, (_, i) => ({ key: `${c}.sms.app-${i}`, isFull: isFull(i) })));
      for (const begin of [0, 0.3, 0.99]) {
        const [due, taken] = [new Map(keys.map(({ key, isFull }) => [key, isFull])), new Set<string>()];
        const notifications: Pick<NotificationStore, "dueKeys" | "leaseDue"> = {
          dueKeys: async () => [...due.keys()].sort(),
          async leaseDue(_now, _until, takes) {
            return takes.flatMap((take) => {
              if (!("key" in take) || take.limit <= 0 || !due.has(take.key)) return [];
              taken.add(take.key);
              const found = due.get(take.key) ? take.limit : 1;
              if (!due.get(take.key)) due.delete(take.key);
              const [notificationClass, , app] = take.key.split(".") as [NotificationClass, string, string];
              return records(found, { app, notificationClass });
            });
          },
        };
        const lease = createLease(notifications, noShares, () => begin);
        for (let iteration = 0; iteration < Math.ceil(count / 32); iteration++) await lease.leaseDue(NOW, NOW + 1, LEASE_MAX);
        assert.equal(taken.size, keys.length, `begun at ${begin}`);
      }
    });

const records = (count: number, of: { app: string; notificationClass: NotificationClass }, due = NOW - 1_000): NotificationRecord[] =>
  Array.from({ length: count }, (_, i) =>
    sampleNotification(`${of.app}-${of.notificationClass}-${i}`, due, { ...of, expiresAt: NOW + 3_600_000 }),
  );

async function open() {
  const directory = mkdtempSync(join(tmpdir(), "carillon-lease-"));
  const url = `sqlite:${join(directory, "store.db")}`;
  const store = await openStore(url);
  return {
    store,
    url,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

test("critical retries are leased at once beside a campaign that was due long before, and the campaign gets the rest", async () => {
  await using opened = await open();
  const { notifications } = opened.store;
  await notifications.insert(records(2_000, { app: "ads", notificationClass: "marketing" }, NOW - 60_000));
  await notifications.insert(records(30, { app: "bank", notificationClass: "critical" }, NOW - 10));
  const leased = await createLease(notifications, noShares, () => 0).leaseDue(NOW, NOW + 15_000, LEASE_MAX);
  assert.deepEqual(
    ["critical", "marketing"].map((c) => leased.filter((n) => n.notificationClass === c).length),
    [30, LEASE_MAX - 30],
  );
});

test("an app with one notification due is not behind another's thousands", async () => {
  await using opened = await open();
  const { notifications } = opened.store;
  await notifications.insert(records(2_000, { app: "ads", notificationClass: "critical" }, NOW - 60_000));
  await notifications.insert(records(1, { app: "bank", notificationClass: "critical" }, NOW - 10));
  const leased = await createLease(notifications, noShares, () => 0).leaseDue(NOW, NOW + 15_000, LEASE_MAX);
  assert.equal(leased.length, LEASE_MAX);
  assert.ok(leased.some(({ app }) => app === "bank"));
});

test("a delivery that waits for room in its queue delays no other one of its notification, and is leased once there is room", async () => {
  await using opened = await open();
  const { notifications } = opened.store;
  const [record] = records(1, { app: "bank", notificationClass: "critical" }, NOW);
  const [sms] = record!.deliveries;
  const email = { ...sms!, id: `${record!.id}-1`, channel: "email" } as const;
  // As it is accepted: the SMS is published, and the e-mail's queue has no room.
  await notifications.insert([{ ...record!, deliveries: [{ ...sms!, publishCount: 1, nextAt: NOW + 30_000 }, email] }]);
  const retry = { attempt: 2, publishCount: 0, nextAt: NOW + 5_000 };
  await notifications.change([
    anyChange({ notificationId: record!.id, deliveryId: sms!.id, expect: { attempt: 1, states: ["pending"] }, set: retry }),
  ]);
  const rooms = { email: 0, sms: 7 };
  const shares = { room: async ({ channel }: { channel: Channel }) => (channel === "email" ? rooms.email : rooms.sms) };
  const lease = createLease(notifications, shares, () => 0);
  assert.deepEqual(await lease.leaseDue(NOW, NOW, LEASE_MAX), [], "only the e-mail is due");
  rooms.email = 1;
  assert.equal((await lease.leaseDue(NOW, NOW, LEASE_MAX)).length, 1);
  rooms.email = 0;
  assert.deepEqual(await lease.leaseDue(NOW + 4_999, NOW, LEASE_MAX), []);
  assert.equal((await lease.leaseDue(NOW + 5_000, NOW, LEASE_MAX)).length, 1, "the retry is due");
});

test("a campaign whose queues are all full is not leased in vain, and under whichever has room again", async () => {
  await using opened = await open();
  const { notifications } = opened.store;
  const campaign = records(50, { app: "ads", notificationClass: "marketing" }, NOW).map((n) => ({
    ...n,
    deliveries: (["apns", "fcm", "webpush"] as const).map((channel, i) => ({
      ...n.deliveries[0]!,
      id: `${n.id}-${i}`,
      channel,
      nextAt: NOW + 500 * i,
    })),
  }));
  await notifications.insert(campaign);
  let free: Channel | undefined;
  const lease = createLease(notifications, { room: async ({ channel }) => (channel === free ? 20 : 0) }, () => 0);
  assert.deepEqual(await lease.leaseDue(NOW - 1, NOW, LEASE_MAX), []);
  assert.equal(lease.leftDue, false, "nothing is due yet");
  assert.deepEqual(await lease.leaseDue(NOW + 60_000, NOW, LEASE_MAX), []);
  assert.equal(lease.leftDue, true);
  for (free of ["apns", "fcm", "webpush"] as const) assert.equal((await lease.leaseDue(NOW + 60_000, NOW, LEASE_MAX)).length, 20, free);
});

test("of notifications that wait for several queues no more are leased than have room in one", async () => {
  await using opened = await open();
  const { notifications } = opened.store;
  const others = [[], ["fcm"], ["webpush"], ["fcm", "webpush"]] as const;
  await notifications.insert(
    records(400, { app: "ads", notificationClass: "marketing" }, NOW).map((n, i) => ({
      ...n,
      deliveries: (["apns", ...others[i % 4]!] as const).map((channel, k) => ({ ...n.deliveries[0]!, id: `${n.id}-${k}`, channel })),
    })),
  );
  const lease = createLease(notifications, { room: async ({ channel }) => (channel === "apns" ? 40 : 0) }, () => 0);
  assert.equal((await lease.leaseDue(NOW, NOW + 1, LEASE_MAX)).length, 40);
});

test("relays that start together lease under different keys", async () => {
  const keys = Array.from({ length: 64 }, (_, i) => `marketing.sms.app-${`${i}`.padStart(2, "0")}`);
  const askedBy = async (random: number) => {
    const asked: string[] = [];
    const notifications: Pick<NotificationStore, "dueKeys" | "leaseDue"> = {
      dueKeys: async () => keys,
      async leaseDue(_now, _until, takes) {
        for (const take of takes) if ("key" in take) asked.push(take.key);
        return [];
      },
    };
    await createLease(notifications, noShares, () => random).leaseDue(NOW, NOW + 1, LEASE_MAX);
    return asked;
  };
  const [first, second] = [await askedBy(0), await askedBy(0.5)];
  assert.deepEqual([...first, ...second].sort(), keys);
});

for (const relays of [2, 4])
  test(`${relays} relays lease 10,000 due notifications once each, and none sleeps while one is due`, async () => {
    await using opened = await open();
    await opened.store.notifications.insert(
      CLASSES.flatMap((notificationClass, i) => records([3_000, 3_000, 4_000][i]!, { app: "shop", notificationClass })),
    );
    const [leased, sleeps]: [string[], number[]] = [[], []];
    const stop = new AbortController();
    await Promise.all(
      Array.from({ length: relays }, async (_, i) => {
        await using store = await openStore(opened.url);
        const clock = createFakeClock();
        clock.now = () => NOW;
        clock.sleep = async () => {
          const keys = await store.notifications.dueKeys(NOW);
          sleeps.push(keys.length);
          stop.abort();
        };
        const outbox = createOutbox<NotificationRecord, undefined, string>(
          {
            store: createLease(store.notifications, noShares, () => i / relays),
            gather: async () => undefined,
            evaluate: ({ id }) => [id],
            async apply(effects) {
              leased.push(...effects);
              return { stuck: false };
            },
          },
          { pollMs: 1, clock, random: () => 0, log: createLogger("test", "silent", { write() {} }) },
        );
        await outbox.run(stop.signal);
      }),
    );
    assert.equal(leased.length, 10_000, "each once");
    assert.equal(new Set(leased).size, 10_000);
    assert.deepEqual(new Set(sleeps), new Set([0]), "asleep only where nothing was due");
  });

test("the gauges show age and number of what is due by class, also of records without a key", async () => {
  const due: Record<string, { oldest: number; count: number }> = {
    "": { oldest: NOW - 9_000, count: 1 },
    "critical.sms.a": { oldest: NOW - 2_000, count: 3 },
    marketing: { oldest: NOW - 60_000, count: 9_999 },
    "marketing.sms.a": { oldest: NOW - 5_000, count: 170_000 },
  };
  const notifications: Pick<NotificationStore, "dueKeys" | "dueUnder"> = {
    dueKeys: async () => Object.keys(due),
    dueUnder: async (key, _now, limit) => ({ oldest: due[key]!.oldest, count: Math.min(limit, due[key]!.count) }),
  };
  const metrics = createRelayMetrics(createMetrics("test"));
  await measureOnce(notifications, metrics, NOW);
  const shown = async (gauge: typeof metrics.outboxDue) => (await gauge.get()).values.map(({ labels, value }) => [labels.class, value]);
  assert.deepEqual(await shown(metrics.outboxOldest), [
    ["critical", 9],
    ["transactional", 0],
    ["marketing", 60],
  ]);
  assert.deepEqual(await shown(metrics.outboxDue), [
    ["critical", 4],
    ["transactional", 0],
    ["marketing", 100_000],
  ]);
});
