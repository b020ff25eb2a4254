import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { CONTENT_BOUNDS, contentKeepUntil } from "../../core/content/reference.ts";
import { DAY_MS, EXPIRY_MAX_MS } from "../../core/delivery/lifetime.ts";
import type { Delivery } from "../../core/delivery/notification.ts";
import { attemptId } from "../../core/ports/attempt-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { claimOf, OUTCOMES, T0 } from "../../test/support/busy-writer.ts";
import { anyChange, ignoreEvents } from "../../test/support/changes.ts";
import { insertDeadLetter } from "../../test/support/dead-letter-samples.ts";
import { leaseDue } from "../../test/support/lease-due.ts";
import { beginRedrive, type RedriveOptions, type RedriveReport, redrive, type Selection, STEP_READS_MAX } from "./redrive.ts";

const NOW = T0 + 60_000;
const ALL: Selection = { kind: "filter", filter: { from: 0, to: NOW } };
const rejected = { kind: "rejected", reason: "content" } as const;

const find = async (store: Store, id: string) => (await store.notifications.find(id.slice(0, 32)))!.deliveries[0]!;
const run = (store: Store, selection: Selection, over: Partial<RedriveOptions> = {}) =>
  redrive(store, selection, { terms: { uncertain: false }, now: NOW, dryRun: false, recorder: ignoreEvents, ...over });
const counts = (report: RedriveReport) =>
  Object.fromEntries(Object.entries(report).flatMap(([end, { count }]) => (count > 0 ? [[end, count]] : [])));

test("redrives what failed, except what may have been sent, has expired or has a dead endpoint, and reports which", async () => {
  await using store = await openStore("sqlite::memory:");
  const plain = await insertDeadLetter(store, "plain", [OUTCOMES.unavailable, rejected]);
  const maybe = await insertDeadLetter(store, "maybe", [OUTCOMES.unanswered], { reason: { code: "outcome-unknown" } });
  const late = await insertDeadLetter(store, "late", [rejected], { expiresAt: NOW - 1 });
  const gone = await insertDeadLetter(store, "gone", [rejected], { reason: { code: "endpoint-gone", detail: "410" } });
  const tried = await run(store, ALL, { dryRun: true });
  assert.equal((await find(store, plain)).state, "failed");
  const report = await run(store, ALL);
  assert.deepEqual(counts(report), { redriven: 1, "may-be-sent": 1, expired: 1, gone: 1 });
  assert.deepEqual(tried, report);
  assert.deepEqual([report["may-be-sent"].examples, report.expired.examples, report.gone.examples], [[maybe], [late], [gone]]);
  const { state, attempt, runStart, publishCount, nextAt, endedAt, reason, redrive: repetition } = await find(store, plain);
  assert.deepEqual(
    { state, attempt, runStart, publishCount, nextAt },
    { state: "pending", attempt: 3, runStart: 3, publishCount: 0, nextAt: NOW },
  );
  assert.deepEqual([endedAt, reason, repetition], [undefined, undefined, undefined]);
  const [due] = await leaseDue(store.notifications, NOW, NOW + 1, 10);
  assert.equal(due?.id, plain.slice(0, 32));

  assert.deepEqual(counts(await run(store, ALL, { terms: { uncertain: true, expiresInMs: 9_000 } })), { redriven: 2, gone: 1 });
  assert.equal((await find(store, maybe)).redrive, 1);
  assert.equal((await find(store, late)).expiresAt, NOW + 9_000);
  assert.deepEqual(counts(await run(store, { kind: "ids", ids: [gone] })), { redriven: 1 });
});

test("two operators at once redrive each delivery once", async () => {
  await using store = await openStore("sqlite::memory:");
  const ids = [];
  for (let i = 0; i < 250; i++) ids.push(await insertDeadLetter(store, `${i}`, [rejected]));
  const reports = await Promise.all([run(store, ALL), run(store, ALL)]);
  const redriven = reports.reduce((sum, r) => sum + r.redriven.count, 0);
  assert.equal(redriven, 250);
  for (const id of ids) assert.equal((await find(store, id)).attempt, 2);
  assert.ok(
    reports.some((r) => r.changed.count > 0),
    "they never met",
  );
});

test("an unclaimed number is voided before the next is used, and a worker that claims it meanwhile wins", async () => {
  await using store = await openStore("sqlite::memory:");
  const id = await insertDeadLetter(store, "unclaimed", [], { attempt: 1 });
  assert.deepEqual(counts(await run(store, ALL)), { redriven: 1 });
  assert.deepEqual(await store.attempts.claim([claimOf({ id, attempt: 1 })]), [false]);
  assert.equal((await find(store, id)).attempt, 2);

  const raced = await insertDeadLetter(store, "raced", [], { attempt: 1 });
  const { attempts, blobs, contents, notifications } = store;
  const claim: Store["attempts"]["claim"] = async (closings) => {
    await attempts.claim([claimOf({ id: raced, attempt: 1 })]);
    return attempts.claim(closings);
  };
  const report = await redrive({ notifications, contents, blobs, attempts: { ...attempts, claim } }, ALL, {
    terms: { uncertain: false },
    now: NOW,
    recorder: ignoreEvents,
    dryRun: false,
  });
  assert.deepEqual(counts(report), { "may-be-sent": 1 });
  assert.equal((await attempts.find([attemptId(raced, 1)]))[0]?.worker, "w");
});

test("a rate spreads the moments at which they become due", async () => {
  await using store = await openStore("sqlite::memory:");
  const ids = [];
  for (let i = 0; i < 250; i++) ids.push(await insertDeadLetter(store, `${i}`, [rejected]));
  await insertDeadLetter(store, "maybe", [OUTCOMES.unanswered]);
  await run(store, ALL, { rate: 50 });
  const due = await Promise.all(ids.map(async (id) => (await find(store, id)).nextAt!));
  assert.deepEqual(
    due.sort(),
    Array.from({ length: 250 }, (_, i) => NOW + i * 20),
  );
});

test("ids select deliveries, or all failed ones of a notification; unknown and unfailed ids are reported", async () => {
  await using store = await openStore("sqlite::memory:");
  const [whole, single, sent] = [
    await insertDeadLetter(store, "1", [rejected]),
    await insertDeadLetter(store, "2", [rejected]),
    await insertDeadLetter(store, "3", [rejected]),
  ];
  await store.notifications.change([
    anyChange({ notificationId: sent.slice(0, 32), deliveryId: sent, expect: { attempt: 1, states: ["failed"] }, set: { state: "sent" } }),
  ]);
  const ids = [whole.slice(0, 32), single, sent, sent.slice(0, 32), "0".repeat(32)];
  assert.deepEqual(counts(await run(store, { kind: "ids", ids })), { redriven: 2, "not-failed": 1, unknown: 2 });
});

test("keeps the blobs of a mail until the redriven delivery expires, and does not redrive a delivery without them", async () => {
  await using store = await openStore("sqlite::memory:");
  const [blobId, upload] = ["ab".repeat(32), "u"];
  const id = await insertDeadLetter(store, "attaching", [rejected]);
  const record = (await store.notifications.find(id.slice(0, 32)))!;
  const attaching = { ...record, id: "ab".repeat(16), blobIds: [blobId] };
  const delivery: Delivery = { ...record.deliveries[0]!, id: `${attaching.id}-0`, channel: "email" };
  await store.notifications.insert([{ ...attaching, deliveries: [delivery] }]);
  const mine: Selection = { kind: "ids", ids: [attaching.id] };
  await store.attempts.claim([claimOf({ id: delivery.id, attempt: 1 }, { outcome: rejected })]);
  assert.deepEqual(counts(await run(store, mine)), { "content-lost": 1 });
  await store.blobs.begin(upload, NOW);
  await store.blobs.commit({ app: attaching.app, id: blobId, bytes: 0, upload, chunkCount: 0, keepUntil: NOW });
  assert.deepEqual(counts(await run(store, mine, { terms: { uncertain: false, expiresInMs: 9_000 } })), { redriven: 1 });
  assert.equal(await store.blobs.purge(NOW + 9_000 + CONTENT_BOUNDS.keepMs, 10), 0);
});

test("keeps a large content until the redriven delivery expires, and does not redrive a delivery without its content", async () => {
  await using store = await openStore("sqlite::memory:");
  const hash = "ab".repeat(32);
  const id = await insertDeadLetter(store, "large", [rejected]);
  const record = (await store.notifications.find(id.slice(0, 32)))!;
  const large = { ...record, id: "ab".repeat(16) };
  await store.notifications.insert([
    { ...large, content: {}, contentHashes: { sms: hash }, deliveries: [{ ...record.deliveries[0]!, id: `${large.id}-0` }] },
  ]);
  const mine: Selection = { kind: "ids", ids: [large.id] };
  await store.attempts.claim([claimOf({ id: `${large.id}-0`, attempt: 1 }, { outcome: rejected })]);
  assert.deepEqual(counts(await run(store, mine)), { "content-lost": 1 });
  assert.equal((await find(store, large.id)).state, "failed");

  await store.contents.put([{ app: large.app, hash, content: { sms: { text: "hello" } }, keepUntil: NOW }]);
  assert.deepEqual(counts(await run(store, mine, { terms: { uncertain: false, expiresInMs: 9_000 } })), { redriven: 1 });
  assert.equal(await store.contents.purge(NOW + 9_000, 10), 0);
});

test("keeps a content no longer than a redriven delivery may live, whatever is asked for", async () => {
  await using store = await openStore("sqlite::memory:");
  const id = await insertDeadLetter(store, "for ever", [rejected]);
  const record = (await store.notifications.find(id.slice(0, 32)))!;
  const [large, hash] = ["cd".repeat(16), "cd".repeat(32)];
  const delivery = { ...record.deliveries[0]!, id: `${large}-0` };
  await store.notifications.insert([{ ...record, id: large, content: {}, contentHashes: { sms: hash }, deliveries: [delivery] }]);
  await store.attempts.claim([claimOf({ id: delivery.id, attempt: 1 }, { outcome: rejected })]);
  await store.contents.put([{ app: record.app, hash, content: { sms: { text: "hello" } }, keepUntil: NOW }]);
  const terms = { uncertain: false, expiresInMs: 10_000 * DAY_MS };
  const kept: number[] = [];
  const put: Store["contents"]["put"] = (contents) => {
    kept.push(...contents.map(({ keepUntil }) => keepUntil));
    return store.contents.put(contents);
  };
  const seen = { ...store, contents: { ...store.contents, put } };
  assert.deepEqual(counts(await run(seen, { kind: "ids", ids: [large] }, { terms })), { redriven: 1 });
  assert.deepEqual(kept, [contentKeepUntil(NOW + EXPIRY_MAX_MS, CONTENT_BOUNDS)]);
});

test("does not redrive what has lost its content to its retention", async () => {
  await using store = await openStore("sqlite::memory:");
  const id = await insertDeadLetter(store, "old", [rejected]);
  const { app, notificationClass } = (await store.notifications.find(id.slice(0, 32)))!;
  await store.deleteContent({ app, notificationClass, before: Number.MAX_SAFE_INTEGER }, NOW, 10);
  assert.deepEqual(counts(await run(store, { kind: "ids", ids: [id] })), { "content-lost": 1 });
  assert.equal((await find(store, id.slice(0, 32))).state, "failed");
});

test("in steps, each redrives as many as it may; what was redriven stays so where the rest is left, and another run takes that alone", async () => {
  await using store = await openStore("sqlite::memory:");
  for (let i = 0; i < 10; i++) await insertDeadLetter(store, `${i}`, [i === 3 ? OUTCOMES.unanswered : rejected], { endedAt: T0 + i });
  const begin = () => beginRedrive(store, ALL, { terms: { uncertain: false }, rate: 2, dryRun: false, recorder: ignoreEvents });
  const first = begin();
  assert.deepEqual(counts(first.report), {});
  assert.equal(await first.step(4, NOW), true);
  assert.deepEqual(counts(first.report), { redriven: 3, "may-be-sent": 1 });
  // The rate holds over all steps: three had the moments until NOW + 1,000, and this step begins before the next.
  assert.equal(await first.step(1, NOW + 1), true);
  const rest = begin();
  while (await rest.step(100, NOW + 9_000));
  assert.deepEqual(counts(rest.report), { redriven: 5, "may-be-sent": 1 });
  const due = (await leaseDue(store.notifications, NOW + 100_000, NOW + 100_001, 20)).map(({ deliveries: [d] }) => d!.attempt);
  assert.deepEqual(due, Array(9).fill(2));
});

test("the rate goes on from step to step, and a late step makes nothing up for", async () => {
  await using store = await openStore("sqlite::memory:");
  const ids = [];
  for (let i = 0; i < 5; i++) ids.push(await insertDeadLetter(store, `${i}`, [rejected], { endedAt: T0 + i }));
  const run = beginRedrive(store, ALL, { terms: { uncertain: false }, rate: 2, dryRun: false, recorder: ignoreEvents });
  for (const now of [NOW, NOW + 1, NOW + 7_000]) await run.step(2, now);
  const due = await Promise.all(ids.map(async (id) => (await find(store, id)).nextAt! - NOW));
  assert.deepEqual(due, [0, 500, 1_000, 1_500, 7_000]);
});

test("a step ends after a bounded reading, also where nothing is selected", async () => {
  await using store = await openStore("sqlite::memory:");
  const count = STEP_READS_MAX + 1;
  for (let i = 0; i < count; i++) await insertDeadLetter(store, `${i}`, [rejected], { endedAt: T0 + i });
  const filter = { from: 0, to: NOW, channel: "email" };
  const run = beginRedrive(store, { kind: "filter", filter }, { terms: { uncertain: false }, dryRun: true, recorder: ignoreEvents });
  assert.deepEqual([await run.step(1, NOW), await run.step(1, NOW)], [true, false]);
});
