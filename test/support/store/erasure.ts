import assert from "node:assert/strict";
import { describe } from "node:test";
import { RELEASE_MS } from "../../../core/content/reference.ts";
import { DAY_MS } from "../../../core/delivery/lifetime.ts";
import type { NotificationRecord } from "../../../core/delivery/notification.ts";
import { FIRST_PLACE } from "../../../core/ports/notification-store.ts";
import type { Store } from "../../../core/ports/store.ts";
import { hexId, ids, sampleAttempt, sampleChange, sampleNotification, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

const NOW = T0 + 1_000;
const NOTHING = { notifications: 0, attempts: 0, attributions: 0, poison: 0, contents: 0, blobs: 0 };
/** Each names the person, or could. */
const SECRETS = [
  "ada-lovelace",
  "order-for-ada",
  "+4912345",
  "Your code is 731",
  "SM731",
  "550 no mailbox for ada",
  "thread-of-ada",
  "tag-of-ada",
  "key-of-ada",
  "abcdabcd",
];

const ADA = { kind: "user", userId: "ada-lovelace" } as const;

const ofAda = (over: Partial<NotificationRecord> = {}) =>
  sampleNotification([T0], {
    ...{
      recipient: ADA,
      idempotencyKey: "order-for-ada",
      collapseKey: "thread-of-ada",
      tags: { person: "tag-of-ada" },
      cancelKey: "key-of-ada",
      content: { sms: { text: "Your code is 731" } },
    },
    ...{ traceparent: `00-${"abcd".repeat(8)}-${"ab".repeat(8)}-01`, ...over },
  });

/** Stored, failed, with an attempt of each kind, an attribution and a poison message. */
async function insertEnded(store: Store, record: NotificationRecord): Promise<void> {
  const delivery = `${record.id}-0`;
  await store.notifications.insert([record]);
  const reason = { code: "rejected", detail: "550 no mailbox for ada" } as const;
  const end = { state: "failed", reason, providerRef: "SM731", nextAt: undefined, endedAt: T0 + 5 } as const;
  await store.notifications.change([sampleChange(record, 0, end)]);
  await store.attempts.claim(
    [
      { kind: "accepted", providerRef: "SM731", warning: "550 no mailbox for ada" } as const,
      { kind: "rejected", reason: "550 no mailbox for ada" } as const,
      { kind: "unanswered", fault: { code: "reset", detail: "+4912345" } } as const,
      { kind: "void", state: "failed", reason } as const,
    ].map((outcome, i) => sampleAttempt({ deliveryId: delivery, number: i + 1, outcome, answeredAt: T0 + 1 })),
  );
  const resolution = { outcome: { kind: "accepted", providerRef: "SM731" }, by: "receipt", at: T0 + 2 } as const;
  await store.attempts.resolve([{ id: `${delivery}/3`, resolution }]);
  await store.attempts.attribute("twilio", "SM731-x", `${delivery}/1`);
  const poison = { channel: "sms", notificationClass: "critical", reason: "not a task", bytes: new Uint8Array([1]), keptAt: T0 } as const;
  await store.poison.keep({ id: `${delivery}/1.0`, ...poison });
}

export function describeErasure(name: string, test: StoreTest): void {
  describe(`${name}: notifications of a recipient`, () => {
    test("are found by app and user, in the order of their ids, page by page", async (store) => {
      const mine = Array.from({ length: 5 }, (_, i) => ofAda({ acceptedAt: T0 + (i % 3) }));
      await store.notifications.insert([...mine, ofAda({ app: "bank" }), sampleNotification([T0])]);
      const sorted = mine.sort((a, b) => a.acceptedAt - b.acceptedAt || (a.id < b.id ? -1 : 1));
      const first = await store.notifications.ofRecipient("shop", ADA, FIRST_PLACE, 3);
      assert.deepEqual(ids(first), ids(sorted).slice(0, 3));
      assert.deepEqual(ids(await store.notifications.ofRecipient("shop", ADA, sorted[2]!, 3)), ids(sorted).slice(3));
      for (const none of [0, -1]) assert.deepEqual(await store.notifications.ofRecipient("shop", ADA, FIRST_PLACE, none), []);
    });

    test("are found by the endpoint that was given outright, on every channel", async (store) => {
      const endpoints = [
        { channel: "email", address: "ada@example.com" },
        { channel: "sms", phoneNumber: "+4915112345678" },
        { channel: "apns", token: "ab".repeat(32) },
        { channel: "fcm", token: "fcm-token" },
        { channel: "webpush", pushUrl: "https://fcm.googleapis.com/fcm/send/x", p256dh: "k", auth: "a" },
      ] as const;
      const records = endpoints.map((endpoint) => sampleNotification([T0], { recipient: { kind: "endpoint", endpoint } }));
      await store.notifications.insert([...records, ofAda()]);
      for (const [i, endpoint] of endpoints.entries())
        assert.deepEqual(await store.notifications.ofRecipient("shop", { kind: "endpoint", endpoint }, FIRST_PLACE, 10), [records[i]]);
    });
  });

  describe(`${name}: erasure of notifications`, () => {
    test("leaves states and kinds of outcomes, and nothing that names the person", async (store) => {
      const record = ofAda();
      await insertEnded(store, record);
      assert.deepEqual(await store.erase([record.id], NOW), { ...NOTHING, notifications: 1, attempts: 4, attributions: 1, poison: 1 });
      const found = await store.notifications.find(record.id);
      const attempts = await store.attempts.between(record.id, record.id);
      const text = JSON.stringify([found, attempts, await store.poison.list(10)]);
      for (const secret of SECRETS) assert.equal(text.includes(secret), false, `${secret} in ${text}`);
      assert.partialDeepStrictEqual(found, { id: record.id, payloadHash: record.payloadHash, contentDeletedAt: NOW, content: {} });
      assert.deepEqual(found?.deliveries[0]?.reason, { code: "rejected" });
      assert.deepEqual(
        attempts.map(({ outcome }) => outcome?.kind),
        ["accepted", "rejected", "unanswered", "void"],
      );
      assert.deepEqual(await store.notifications.ofRecipient("shop", ADA, FIRST_PLACE, 10), []);
      assert.equal(await store.attempts.attribute("twilio", "SM731-x", "other/1"), true);
      assert.deepEqual(ids(await Array.fromAsync(store.notifications.failed(0, NOW))), [record.id]);
    });

    test("keeps the id and the numbers of attempts in use, so that no copy is sent", async (store) => {
      const record = ofAda();
      await insertEnded(store, record);
      await store.erase([record.id], NOW);
      assert.equal((await store.notifications.insert([record]))[0]?.kind, "exists");
      assert.deepEqual(await store.attempts.claim([sampleAttempt({ deliveryId: `${record.id}-0` })]), [false]);
    });

    test("leaves what is open, and may be repeated", async (store) => {
      const [open, ended] = [ofAda(), ofAda()];
      await store.notifications.insert([open]);
      await insertEnded(store, ended);
      assert.equal((await store.erase([open.id, ended.id, hexId()], NOW)).notifications, 1);
      assert.deepEqual(await store.notifications.ofRecipient("shop", ADA, FIRST_PLACE, 10), [open]);
      assert.deepEqual(await store.erase([open.id, ended.id], NOW), NOTHING);
      assert.equal((await store.notifications.find(ended.id))?.contentDeletedAt, NOW);
    });

    test("is purged as the others", async (store) => {
      const record = ofAda({ acceptedAt: T0 - 900 * DAY_MS });
      await store.notifications.insert([record]);
      const end = { state: "sent", nextAt: undefined, endedAt: T0 - 900 * DAY_MS } as const;
      await store.notifications.change([sampleChange(record, 0, end)]);
      await store.erase([record.id], NOW);
      const ended = { app: "shop", notificationClass: "transactional", before: Date.now() - 400 * DAY_MS } as const;
      assert.equal((await store.purge(ended, 10)).notifications, 1);
    });

    test("has contents and blobs go that nobody else refers to", async (store) => {
      const put = async () => {
        const [hash, id, upload] = [hexId() + hexId(), hexId() + hexId(), hexId()];
        await store.contents.put([{ app: "shop", hash, content: { sms: { text: hash } }, keepUntil: NOW + DAY_MS }]);
        await store.blobs.begin(upload, NOW);
        await store.blobs.commit({ app: "shop", id, bytes: 0, upload, chunkCount: 0, keepUntil: NOW + DAY_MS });
        return { hash, id };
      };
      const [own, shared] = [await put(), await put()];
      const record = ofAda({ contentHashes: { sms: own.hash, email: shared.hash }, blobIds: [own.id, shared.id] });
      await store.notifications.insert([sampleNotification([T0], { contentHashes: { email: shared.hash }, blobIds: [shared.id] })]);
      await insertEnded(store, record);
      const counts = await store.erase([record.id], NOW);
      assert.deepEqual([counts.contents, counts.blobs], [1, 1]);
      assert.deepEqual([await store.contents.purge(NOW + RELEASE_MS, 10), await store.blobs.purge(NOW + RELEASE_MS, 10)], [0, 0]);
      assert.deepEqual([await store.contents.purge(NOW + RELEASE_MS + 1, 10), await store.blobs.purge(NOW + RELEASE_MS + 1, 10)], [1, 1]);
      assert.notEqual(await store.contents.get("shop", shared.hash), undefined);
      assert.notEqual(await store.blobs.find("shop", shared.id), undefined);
    });
  });
}
