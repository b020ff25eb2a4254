import assert from "node:assert/strict";
import { describe } from "node:test";
import { RELEASE_MS } from "../../../core/content/reference.ts";
import { DAY_MS } from "../../../core/delivery/lifetime.ts";
import type { NotificationRecord } from "../../../core/delivery/notification.ts";
import type { Store } from "../../../core/ports/store.ts";
import { hexId, sampleChange, sampleNotification, sent, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

/** Of the samples. */
const OF = { app: "shop", notificationClass: "transactional" } as const;
/** The samples end five ms after T0. */
const ENDED = T0 + 5;
const NOW = T0 + 1_000;

async function deleteContent(store: Store, before = NOW, limit = 10) {
  const { workMs: _workMs, ...counts } = await store.deleteContent({ ...OF, before }, NOW, limit);
  return counts;
}

async function insertSent(store: Store, ...overs: Partial<NotificationRecord>[]): Promise<NotificationRecord[]> {
  const records = overs.map((over) => sampleNotification([T0], over));
  await store.notifications.insert(records);
  await store.notifications.change(records.map((record) => sampleChange(record, 0, sent("ref"))));
  return records;
}

const hash = () => hexId() + hexId();

async function putContent(store: Store, keepUntil = NOW + DAY_MS): Promise<string> {
  const address = hash();
  await store.contents.put([{ app: "shop", hash: address, content: { email: { subject: "s", html: "", text: address } }, keepUntil }]);
  return address;
}
const hasContent = async (store: Store, address: string) => (await store.contents.get("shop", address)) !== undefined;

export function describeContentDeletion(name: string, test: StoreTest): void {
  describe(`${name}: deletion of contents`, () => {
    test("leaves states and attempts, and says when it was", async (store) => {
      const [record] = await insertSent(store, {
        content: { sms: { text: "Your code is 123456" }, push: { title: "t", body: "b", data: {} } },
      });
      const before = await store.notifications.find(record!.id);
      assert.deepEqual(await deleteContent(store), { notifications: 1, oldest: ENDED });
      const after = await store.notifications.find(record!.id);
      assert.deepEqual(after, { ...before, content: {}, contentDeletedAt: NOW, smsSizeApart: { form: "gsm7", segments: 1 } });
      assert.equal(JSON.stringify(after).includes("123456"), false);
      assert.deepEqual(await deleteContent(store), { notifications: 0 });
    });

    test("takes the earliest first, up to the limit, of the app and class alone, and nothing that is open or ended later", async (store) => {
      const [first, second, third] = await insertSent(store, {}, {}, {});
      const end = (record: NotificationRecord, endedAt: number) =>
        store.notifications.change([sampleChange(record, 0, { state: "delivered", endedAt, nextAt: undefined }, { states: ["sent"] })]);
      await end(first!, T0 + 30);
      await end(second!, T0 + 10);
      await end(third!, T0 + 20);
      const open = sampleNotification([T0]);
      await store.notifications.insert([open]);
      await insertSent(store, { app: "bank" }, { notificationClass: "critical" });
      const deleted = async () => {
        const found = await Promise.all([first!, second!, third!, open].map(({ id }) => store.notifications.find(id)));
        return found.map((record) => record?.contentDeletedAt !== undefined);
      };
      for (const none of [0, -1]) assert.deepEqual(await deleteContent(store, NOW, none), { notifications: 0 });
      assert.deepEqual(await deleteContent(store, T0 + 30, 1), { notifications: 1, oldest: T0 + 10 });
      assert.deepEqual(await deleted(), [false, true, false, false]);
      assert.deepEqual(await deleteContent(store, T0 + 30), { notifications: 1, oldest: T0 + 20 });
      assert.deepEqual(await deleted(), [false, true, true, false]);
      assert.deepEqual(await deleteContent(store, T0 + 31), { notifications: 1, oldest: T0 + 30 });
      assert.deepEqual(await deleted(), [true, true, true, false]);
    });

    test("is the end: nothing is opened again, and a late receipt still counts", async (store) => {
      const [record] = await insertSent(store, {});
      await deleteContent(store);
      const redriven = { state: "pending", attempt: 2, nextAt: NOW, endedAt: undefined, providerRef: undefined } as const;
      const redrive = sampleChange(record!, 0, redriven, { states: ["sent"] });
      assert.deepEqual(await store.notifications.change([redrive]), [false]);
      const receipt = sampleChange(record!, 0, { state: "delivered", endedAt: NOW + 1, nextAt: undefined }, { states: ["sent"] });
      assert.deepEqual(await store.notifications.change([receipt]), [true]);
      const found = await store.notifications.find(record!.id);
      assert.deepEqual([found?.content, found?.contentDeletedAt, found?.deliveries[0]?.state], [{}, NOW, "delivered"]);
      assert.deepEqual(await deleteContent(store, NOW + 10), { notifications: 0 }, "it is deleted once");
    });

    test("keeps the id in use", async (store) => {
      const [record] = await insertSent(store, {});
      await deleteContent(store);
      const [again] = await store.notifications.insert([record!]);
      assert.equal(again?.kind === "exists" && again.record.payloadHash, record!.payloadHash);
    });

    test("has a large content go soon after the last notification that refers to it, and not before", async (store) => {
      const address = await putContent(store);
      const [first] = await insertSent(store, { contentHashes: { email: address } });
      const [second] = await insertSent(store, { contentHashes: { email: address } });
      const moved = { state: "delivered", endedAt: NOW + 10, nextAt: undefined } as const;
      await store.notifications.change([sampleChange(second!, 0, moved, { states: ["sent"] })]);
      await deleteContent(store, NOW);
      assert.equal((await store.notifications.find(first!.id))?.contentHashes, undefined);
      assert.equal(await store.contents.purge(NOW + RELEASE_MS + 1, 10), 0, "the second one refers to it");
      assert.equal((await deleteContent(store, NOW + 11)).notifications, 1);
      assert.equal(await store.contents.purge(NOW + RELEASE_MS, 10), 0, "a gateway may be about to refer to it");
      assert.equal(await store.contents.purge(NOW + RELEASE_MS + 1, 10), 1);
      assert.equal(await hasContent(store, address), false);
    });

    test("never takes a content from what refers to it, whatever its time", async (store) => {
      const [address, unused] = [await putContent(store, NOW - 1), await putContent(store, NOW - 1)];
      await insertSent(store, { contentHashes: { email: address } });
      assert.equal(await store.contents.purge(NOW, 10), 1);
      assert.deepEqual([await hasContent(store, address), await hasContent(store, unused)], [true, false]);
      // It is asked about again a day later.
      await deleteContent(store);
      assert.equal(await store.contents.purge(NOW + DAY_MS, 10), 1);
    });

    test("gives a content back to who refers to it after it was released", async (store) => {
      const address = await putContent(store);
      await insertSent(store, { contentHashes: { email: address } });
      await deleteContent(store);
      await store.notifications.insert([sampleNotification([T0], { contentHashes: { email: address } })]);
      assert.equal(await store.contents.purge(NOW + RELEASE_MS + 1, 10), 0);
      assert.equal(await hasContent(store, address), true);
    });

    test("a repeated key adds no reference to what the first notification does not have", async (store) => {
      const [address, other] = [await putContent(store, NOW - 1), await putContent(store, NOW - 1)];
      const [record] = await insertSent(store, { contentHashes: { email: address } });
      await store.notifications.insert([{ ...record!, contentHashes: { email: other } }]);
      assert.equal(await store.contents.purge(NOW, 10), 1);
      assert.deepEqual([await hasContent(store, address), await hasContent(store, other)], [true, false]);
    });

    test("never takes a blob from a notification that has its content", async (store) => {
      const blob = { app: "shop", id: hash(), bytes: 0, upload: hexId(), chunkCount: 0, keepUntil: NOW - 1 };
      await store.blobs.begin(blob.upload, NOW);
      await store.blobs.commit(blob);
      await insertSent(store, { blobIds: [blob.id] });
      assert.equal(await store.blobs.purge(NOW, 10), 0);
      assert.notEqual(await store.blobs.find("shop", blob.id), undefined);
      await deleteContent(store);
      assert.equal(await store.blobs.purge(NOW + DAY_MS + 1, 10), 1);
      assert.equal(await store.blobs.find("shop", blob.id), undefined);
    });
  });
}
