import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import { userSubject } from "../../core/preferences/opt-out.ts";
import { systemClock } from "../../runtime/clock.ts";
import { sampleAttempt, sampleChange, sampleNotification } from "../../test/support/store/samples.ts";
import { promisesOf } from "./promises.ts";
import { auditRecent, CRITICAL_MS, RECENT_MS } from "./recent-audit.ts";
import { OPT_OUT_PROVEN_MS } from "./recent-opt-outs.ts";
import { readWindow } from "./recent-window.ts";

async function openWorld() {
  const store = await openStore("sqlite::memory:");
  await store.apps.change("shop", () => ({ channels: ["sms"], limits: {}, keys: [] }));
  const now = await store.time();
  const accept = async (over: Partial<NotificationRecord> = {}, nextAts: (number | undefined)[] = [now + 60_000]) => {
    const times = { acceptedAt: now - 30_000, sendAt: now - 30_000, expiresAt: now + 86_400_000 };
    const n = sampleNotification(nextAts, { ...times, ...over });
    await store.notifications.insert([n]);
    return n;
  };
  /** An attempt that the provider took. */
  const send = async (n: NotificationRecord, { number = 1, startedAt = now - 20_000 } = {}) => {
    const attempt = sampleAttempt({ deliveryId: n.deliveries[0]!.id, number, startedAt });
    await store.attempts.claim([attempt]);
    const outcome = { kind: "accepted", providerRef: `${n.id}-${number}` } as const;
    await store.attempts.record([{ id: attempt.id, worker: attempt.worker, outcome, answeredAt: startedAt + 5 }]);
  };
  const end = (n: NotificationRecord, attempt = 1) =>
    store.notifications.change([sampleChange(n, 0, { state: "sent", nextAt: undefined, endedAt: now, attempt } as never)]);
  return {
    store,
    now,
    accept,
    send,
    end,
    audit: () => auditRecent({ store, clock: systemClock }),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

test("what was accepted lately is ended or open, and counted by channel and account", async () => {
  await using world = await openWorld();
  const sent = await world.accept();
  await world.send(sent);
  await world.end(sent);
  await world.accept();
  await world.accept({ acceptedAt: world.now - RECENT_MS - 5_000 });
  const audit = await world.audit();
  assert.deepEqual([audit.notifications, audit.deliveries, audit.ended, audit.open], [2, 2, 1, 1]);
  assert.deepEqual([audit.lost.broken, audit.twice.broken, audit.optOuts.broken, audit.attempts], [0, 0, 0, 1]);
  assert.deepEqual(audit.channels, { sms: { accepted: 2, states: { sent: 1, pending: 1 } } });
  assert.partialDeepStrictEqual(audit.accounts, [{ provider: "twilio", account: "default", channel: "sms", calls: 1, accepted: 1 }]);
});

test("a second send, and a delivery without a next step, are found", async () => {
  await using world = await openWorld();
  const twice = await world.accept();
  await world.send(twice);
  await world.send(twice, { number: 2 });
  await world.end(twice, 2);
  const lost = await world.accept();
  await world.store.notifications.change([sampleChange(lost, 0, { nextAt: undefined })]);
  const audit = await world.audit();
  assert.deepEqual(audit.twice, { broken: 1, examples: [`${twice.id}-0`] });
  assert.deepEqual(audit.lost, { broken: 1, examples: [`${lost.id}-0`] });
});

test("a send after an opt-out is found; one before it says nothing; what is critical is left out", async () => {
  await using world = await openWorld();
  const { store, now } = world;
  const to = (userId: string, over: Partial<NotificationRecord> = {}) => world.accept({ recipient: { kind: "user", userId }, ...over });
  const optOut = (userId: string, at: number) =>
    store.preferences.update("shop", userSubject(userId), { optOut: [{ channel: "sms", category: "orders" }], origin: {} }, at);
  const began = now - 20_000;
  const [after, before, critical, other] = [
    await to("ada"),
    await to("bo"),
    await to("cy", { notificationClass: "critical" }),
    await to("di"),
  ];
  await optOut("ada", began - OPT_OUT_PROVEN_MS);
  await optOut("bo", began - OPT_OUT_PROVEN_MS + 1);
  await optOut("cy", began - OPT_OUT_PROVEN_MS);
  for (const n of [after, before, critical, other]) {
    await world.send(n);
    await world.end(n);
  }
  const { optOuts } = await world.audit();
  assert.deepEqual(optOuts, { checked: 2, undecided: 1, broken: 1, examples: [`${after.id}-0`] });
});

test("what is critical is late without an attempt in its time", async () => {
  await using world = await openWorld();
  const critical = { notificationClass: "critical" } as const;
  const [inTime, late, untried] = [await world.accept(critical), await world.accept(critical), await world.accept(critical)];
  await world.send(inTime, { startedAt: inTime.sendAt + CRITICAL_MS });
  await world.send(late, { startedAt: late.sendAt + CRITICAL_MS + 1 });
  await world.accept({ ...critical, sendAt: world.now });
  const audit = await world.audit();
  assert.deepEqual(audit.critical, { checked: 3, broken: 2, waiting: 1, examples: [`${untried.id}-0`, `${late.id}-0`] });
  assert.partialDeepStrictEqual(promisesOf(audit)[3], {
    ...{ state: "broken", isBrokenNow: true, examples: [untried.id, late.id] },
    words: "2 of 3 deliveries were not; 1 of these still waits for its first attempt",
  });
  await world.send(untried, { startedAt: untried.sendAt + CRITICAL_MS + 2 });
  assert.partialDeepStrictEqual(promisesOf(await world.audit())[3], { state: "broken", isBrokenNow: false });
});

test("where more was accepted than is read, the window is shorter, and complete for every app", async () => {
  await using world = await openWorld();
  const { store, now } = world;
  await store.apps.change("bank", () => ({ channels: ["sms"], limits: {}, keys: [] }));
  for (let i = 1; i <= 5; i++) await world.accept({ acceptedAt: now - i * 1_000 });
  const [recent] = [
    await world.accept({ app: "bank", acceptedAt: now - 1_500 }),
    await world.accept({ app: "bank", acceptedAt: now - 4_500 }),
  ];
  const window = await readWindow(store, { from: now - RECENT_MS, max: 6, clock: systemClock });
  // Of each app three are read, so that the one that is three seconds old may have others of its moment.
  assert.equal(window.from, now - 3_000 + 1);
  assert.deepEqual(window.notifications.map(({ app }) => app).sort(), ["bank", "shop", "shop"]);
  assert.ok(window.notifications.some(({ id }) => id === recent.id));
});

test("more than one read of an app are read, each once", async () => {
  await using world = await openWorld();
  const { store, now } = world;
  const times = (i: number) => ({ acceptedAt: now - i, sendAt: now, expiresAt: now + 60_000 });
  await store.notifications.insert(Array.from({ length: 450 }, (_, i) => sampleNotification([now + 60_000], times(i))));
  const { notifications, from } = await readWindow(store, { from: now - RECENT_MS, max: 1_000, clock: systemClock });
  assert.deepEqual([new Set(notifications.map(({ id }) => id)).size, notifications.length, from], [450, 450, now - RECENT_MS]);
});
