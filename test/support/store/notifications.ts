import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Delivery } from "../../../core/delivery/notification.ts";
import { backgroundPush, localizedPush, richContent, richPush } from "../content-samples.ts";
import { allNotifications } from "../everything.ts";
import { leaseDue } from "../lease-due.ts";
import { runRace } from "./race.ts";
import { hexId, ids, sampleChange, sampleNotification, sent, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

export function describeNotifications(name: string, test: StoreTest): void {
  describe(`${name}: notifications`, () => {
    test("gives back what was inserted, whatever the keys of its data", async (store) => {
      const data = { "a.b": "1", $x: "$y", "": "empty", "ключ 🔔": "значение", ["__proto__"]: "p", "a\u0000b": "nul", $where: "" };
      const record = sampleNotification([T0, undefined], { content: { push: { title: "$title", body: "line\nline", data } } });
      assert.deepEqual(await store.notifications.insert([record]), [{ kind: "inserted" }]);
      assert.deepEqual(await store.notifications.find(record.id), record);
    });

    test("gives back every field of every content, and what is said about parts kept apart", async (store) => {
      const times = {
        ttlSeconds: 0,
        contentHashes: { email: "ab".repeat(32) },
        richApart: ["email" as const],
        smsSizeApart: { form: "ucs2" as const, segments: 3 },
      };
      const contents = [richContent(), { push: localizedPush() }, { push: backgroundPush() }, { push: richPush({ badge: 0 }) }];
      const records = contents.map((content) => sampleNotification([T0, undefined], { content, ...times }));
      await store.notifications.insert(records);
      for (const record of records) assert.deepEqual(await store.notifications.find(record.id), record);
    });

    test("gives back every kind of endpoint, recipient and optional field", async (store) => {
      const endpoints: Delivery["endpoint"][] = [
        { channel: "apns", token: "00ff" },
        { channel: "fcm", token: "$a.b:c" },
        { channel: "webpush", pushUrl: "https://push.example.com/x?y=$z", p256dh: "BA", auth: "_-" },
        { channel: "email", address: "who@example.com" },
        undefined,
      ];
      const record = sampleNotification(
        endpoints.map(() => T0),
        { collapseKey: "c", contentHashes: { email: "ab".repeat(32) }, recipient: { kind: "endpoint", endpoint: endpoints[0]! } },
      );
      for (const [i, delivery] of record.deliveries.entries()) {
        if (endpoints[i]) Object.assign(delivery, { channel: endpoints[i].channel, endpoint: endpoints[i], endpointId: hexId() });
        else delete delivery.endpoint;
        Object.assign(delivery, {
          policyResend: true,
          uncertainSince: T0 + 3,
          runStart: 2,
          redrive: 1,
          expiresAt: T0 + 4,
          endedAt: T0 + 5,
          providerRef: "r",
          reason: { code: "outcome-unknown", detail: "$reason" },
          state: "uncertain",
          attempt: 3,
          publishCount: 2,
          publishedAt: T0 + 2,
        });
      }
      await store.notifications.insert([record]);
      assert.deepEqual(await store.notifications.find(record.id), record);
    });

    test("keeps an optional field that is undefined as absent", async (store) => {
      const record = sampleNotification([T0]);
      await store.notifications.insert([{ ...record, collapseKey: undefined }]);
      assert.deepEqual(await store.notifications.find(record.id), record);
    });

    test("finds nothing where nothing is", async (store) => {
      assert.equal(await store.notifications.find(hexId()), undefined);
    });

    test("answers a repeated insert with the record of the first, unchanged", async (store) => {
      const first = sampleNotification();
      await store.notifications.insert([first]);
      const again = await store.notifications.insert([{ ...first, payloadHash: "11".repeat(32), category: "other" }]);
      assert.deepEqual(again, [{ kind: "exists", record: first }]);
      assert.deepEqual(await store.notifications.find(first.id), first);
    });

    test("answers a repeated insert with the record as it is now", async (store) => {
      const record = sampleNotification([T0]);
      await store.notifications.insert([record]);
      await store.notifications.change([sampleChange(record, 0, sent("ref-1"))]);
      const [again] = await store.notifications.insert([record]);
      assert.equal(again?.kind === "exists" && again.record.deliveries[0]?.state, "sent");
    });

    test("lets the first of equal ids within one insert win", async (store) => {
      const a = sampleNotification([T0], { category: "first" });
      const b = sampleNotification();
      const results = await store.notifications.insert([a, b, { ...a, category: "second" }]);
      assert.deepEqual(results, [{ kind: "inserted" }, { kind: "inserted" }, { kind: "exists", record: a }]);
      assert.deepEqual(await store.notifications.find(a.id), a);
    });

    test("inserts the new among the known, answering in order", async (store) => {
      const records = Array.from({ length: 6 }, () => sampleNotification());
      await store.notifications.insert([records[1]!, records[4]!]);
      const kinds = (await store.notifications.insert(records)).map((r) => r.kind);
      assert.deepEqual(kinds, ["inserted", "exists", "inserted", "inserted", "exists", "inserted"]);
    });

    test("does nothing where nothing is given", async (store) => {
      assert.deepEqual(await store.notifications.insert([]), []);
      assert.deepEqual(await store.notifications.change([]), []);
      assert.deepEqual(await leaseDue(store.notifications, T0, T0 + 1, 0), []);
      assert.equal(await store.notifications.openCount(0), 0);
    });

    test("inserts each notification once when several processes are given the same", async (store, url) => {
      const records = Array.from({ length: 200 }, () => sampleNotification());
      const won = (
        await runRace(
          url,
          [1, 2].map(() => ({ kind: "insert", records })),
        )
      ).flat();
      assert.deepEqual(won.sort(), ids(records).sort());
      assert.equal((await store.notifications.count()).notifications, 200);
    });

    test("counts deliveries by channel, state and reason", async (store) => {
      const records = [
        sampleNotification([T0, undefined]),
        sampleNotification([undefined]),
        sampleNotification([T0]),
        sampleNotification([]),
      ];
      await store.notifications.insert(records);
      await store.notifications.change([sampleChange(records[2]!, 0, sent("ref"))]);
      const { notifications, deliveries } = await store.notifications.count();
      assert.equal(notifications, 4);
      assert.deepEqual(
        deliveries.sort((a, b) => (a.state < b.state ? -1 : 1)),
        [
          { channel: "sms", state: "pending", reason: undefined, count: 1 },
          { channel: "sms", state: "sent", reason: undefined, count: 1 },
          { channel: "sms", state: "suppressed", reason: "opted-out", count: 2 },
        ],
      );
    });

    test("counts open deliveries by channel, state and reason: of the due ones first, up to a limit, nothing that has ended", async (store) => {
      const [late, ended] = [sampleNotification([T0 + 9, undefined], { sendAt: T0 - 7 }), sampleNotification([undefined])];
      // More than one batch of either store, and all due at the same moment.
      await store.notifications.insert([late, ended, ...Array.from({ length: 1_100 }, () => sampleNotification([T0]))]);
      await store.notifications.change([sampleChange(late, 0, { reason: { code: "unavailable", detail: "http-503" } })]);
      const read = async (limit: number) => {
        const counts = new Map<string, number>();
        for await (const batch of store.notifications.openCounts(limit))
          for (const { channel, state, reason, detail, count, oldest } of batch) {
            const key = `${channel} ${state} ${reason} ${detail} ${oldest}`;
            counts.set(key, (counts.get(key) ?? 0) + count);
          }
        return Object.fromEntries(counts);
      };
      assert.deepEqual(await read(2_000), {
        ...{ [`sms pending undefined undefined ${T0}`]: 1_100, [`sms pending unavailable http-503 ${T0 - 7}`]: 1 },
      });
      assert.deepEqual(await read(1_000), { [`sms pending undefined undefined ${T0}`]: 1_000 });
      assert.deepEqual(await read(0), {});
    });

    test("counts the open up to a limit", async (store) => {
      await store.notifications.insert([...Array.from({ length: 12 }, () => sampleNotification([T0])), sampleNotification([undefined])]);
      assert.equal(await store.notifications.openCount(100), 12);
      assert.equal(await store.notifications.openCount(5), 5);
    });

    test("counts the open that are due by a moment, not those that are scheduled for later", async (store) => {
      const scheduled = Array.from({ length: 7 }, () => sampleNotification([T0 + 3_600_000]));
      await store.notifications.insert([...Array.from({ length: 5 }, () => sampleNotification([T0])), ...scheduled]);
      assert.equal(await store.notifications.openCount(100, T0 - 1), 0);
      assert.equal(await store.notifications.openCount(100, T0), 5);
      assert.equal(await store.notifications.openCount(3, T0), 3);
      assert.equal(await store.notifications.openCount(100, T0 + 3_600_000), 12);
    });

    test("counts what one app has open, and what it has scheduled", async (store) => {
      const of = (app: string, due: number | undefined) => sampleNotification([due], { app });
      await store.notifications.insert([of("a", T0), of("a", T0 + 1), of("a", T0 + 9), of("a", undefined), of("b", T0), of("b", T0 + 9)]);
      const count = (app: string, from: number, until: number, limit = 100) => store.notifications.openCountOf(app, { from, until }, limit);
      assert.deepEqual(await Promise.all([count("a", 0, T0 + 1), count("a", T0 + 2, Number.MAX_SAFE_INTEGER)]), [2, 1]);
      assert.deepEqual(await Promise.all([count("b", 0, T0 + 9), count("c", 0, T0 + 9), count("a", 0, T0 + 9, 2)]), [2, 0, 2]);
    });

    test("carries batches of a thousand and reads all of them back", async (store) => {
      const records = Array.from({ length: 1_000 }, () => sampleNotification([T0]));
      assert.ok((await store.notifications.insert(records)).every((r) => r.kind === "inserted"));
      const repeated = await store.notifications.insert(records);
      assert.ok(repeated.every((r, i) => r.kind === "exists" && r.record.id === records[i]?.id));
      assert.equal((await leaseDue(store.notifications, T0, T0 + 1, 1_000)).length, 1_000);
      const applied = await store.notifications.change(records.map((r) => sampleChange(r, 0, sent("ref"))));
      assert.ok(applied.every(Boolean));
      const all = await allNotifications(store);
      assert.deepEqual(ids(all).sort(), ids(records).sort());
      assert.ok(all.every((r) => r.deliveries[0]?.state === "sent"));
    });
  });
}
