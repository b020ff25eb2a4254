import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import type { Delivery, NotificationRecord } from "../../core/notification.ts";
import type { Store } from "../../core/ports/store.ts";
import { openStore } from "../../infra/store.ts";
import type { Race } from "./store-racer.ts";
import { hexId, sampleAttempt, sampleChange, sampleContact, sampleNotification, sent, T0 } from "./store-samples.ts";

/** An empty database of its own; disposing of it drops it. */
export interface TestDatabase extends AsyncDisposable {
  url: string;
}

/** Longest a race may take, in ms: a hung racer ends the test, not the run. */
const RACE_MS = 60_000;

/** What every store keeps to. `createDatabase` gives a fresh one for each test. */
export function describeStoreContract(name: string, createDatabase: () => Promise<TestDatabase>): void {
  /** A test with one open store, and the database's URL to open more. */
  const test = (sentence: string, body: (store: Store, url: string) => Promise<void>) =>
    it(sentence, async () => {
      await using database = await createDatabase();
      await using store = await openStore(database.url);
      await body(store, database.url);
    });

  describe(`${name}: notifications`, () => {
    test("gives back what was inserted, whatever the keys of its data", async (store) => {
      const data = { "a.b": "1", $x: "$y", "": "empty", "ключ 🔔": "значение", ["__proto__"]: "p", "a\u0000b": "nul", $where: "" };
      const record = sampleNotification([T0, undefined], { content: { push: { title: "$title", body: "line\nline", data } } });
      assert.deepEqual(await store.notifications.insert([record]), [{ kind: "inserted" }]);
      assert.deepEqual(await store.notifications.find(record.id), record);
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
        { collapseKey: "c", recipient: { kind: "endpoint", endpoint: endpoints[0]! } },
      );
      for (const [i, delivery] of record.deliveries.entries()) {
        if (endpoints[i]) Object.assign(delivery, { channel: endpoints[i].channel, endpoint: endpoints[i], endpointId: hexId() });
        else delete delivery.endpoint;
        Object.assign(delivery, {
          policyResend: true,
          providerRef: "r",
          reason: "$reason",
          state: "uncertain",
          attempt: 3,
          publications: 2,
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
      assert.deepEqual(await store.notifications.takeDue([], T0, T0 + 1, 10), []);
      assert.deepEqual(await store.notifications.takeDue([7], T0, T0 + 1, 0), []);
      assert.equal(await store.notifications.openCount(0), 0);
    });

    test("takes what is due, the oldest first, and not what is due later", async (store) => {
      const dues = [T0 - 10, T0 - 30, T0, T0 + 1, T0 - 20];
      const records = dues.map((due, i) => sampleNotification([due], { lane: i }));
      await store.notifications.insert(records);
      const taken = await store.notifications.takeDue([0, 1, 2, 3, 4], T0, T0 + 60_000, 10);
      assert.deepEqual(taken, [records[1], records[4], records[0], records[2]]);
    });

    test("takes no more than the limit, the oldest of all lanes", async (store) => {
      const records = Array.from({ length: 20 }, (_, i) => sampleNotification([T0 - i], { lane: i % 4 }));
      await store.notifications.insert(records);
      const taken = await store.notifications.takeDue([0, 1, 2, 3], T0, T0 + 60_000, 5);
      assert.deepEqual(ids(taken), ids(records.slice(-5).reverse()));
    });

    test("takes only from the lanes asked for", async (store) => {
      const records = [1, 2, 3].map((lane) => sampleNotification([T0], { lane }));
      await store.notifications.insert(records);
      assert.deepEqual(ids(await store.notifications.takeDue([1, 3], T0, T0 + 1, 10)).sort(), ids([records[0]!, records[2]!]).sort());
      assert.deepEqual(ids(await store.notifications.takeDue([2], T0, T0 + 1, 10)), ids([records[1]!]));
    });

    test("does not take again before the moment it was put off to", async (store) => {
      const record = sampleNotification([T0]);
      await store.notifications.insert([record]);
      assert.equal((await store.notifications.takeDue([7], T0, T0 + 5_000, 10)).length, 1);
      assert.equal((await store.notifications.takeDue([7], T0 + 4_999, T0 + 9_000, 10)).length, 0);
      assert.deepEqual(await store.notifications.takeDue([7], T0 + 5_000, T0 + 9_000, 10), [record]);
    });

    test("does not take what has ended", async (store) => {
      await store.notifications.insert([sampleNotification([undefined]), sampleNotification([undefined, undefined])]);
      assert.deepEqual(await store.notifications.takeDue([7], T0 * 2, T0 * 3, 10), []);
    });

    test("gives every due notification to exactly one of several processes", async (store, url) => {
      const records = Array.from({ length: 300 }, (_, i) => sampleNotification([T0 - i], { lane: i % 3 }));
      await store.notifications.insert(records);
      const race: Race = { kind: "take", lanes: [0, 1, 2], limit: 25, until: T0 + 60_000 };
      const taken = (await runRace(url, [race, race, race])).flat();
      assert.equal(taken.length, 300);
      assert.deepEqual(taken.sort(), ids(records).sort());
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

    test("changes a delivery, and only the one named", async (store) => {
      const record = sampleNotification([T0, T0 + 10]);
      await store.notifications.insert([record]);
      const set = { nextAt: T0 + 99, attempt: 2, reason: "$throttled.by", publications: 0 };
      assert.deepEqual(await store.notifications.change([sampleChange(record, 1, set)]), [true]);
      const expected = { ...record, deliveries: [record.deliveries[0], { ...record.deliveries[1], ...set }] };
      assert.deepEqual(await store.notifications.find(record.id), expected);
    });

    test("removes a field set to undefined", async (store) => {
      const record = sampleNotification([T0]);
      Object.assign(record.deliveries[0]!, { reason: "throttled", policyResend: true });
      await store.notifications.insert([record]);
      await store.notifications.change([sampleChange(record, 0, { ...sent("ref"), reason: undefined, policyResend: undefined })]);
      const found = (await store.notifications.find(record.id))?.deliveries[0];
      const { nextAt: _nextAt, reason: _reason, policyResend: _policyResend, ...left } = record.deliveries[0]!;
      assert.deepEqual(found, { ...left, state: "sent", providerRef: "ref", endedAt: T0 + 5 });
    });

    test("leaves a delivery alone that is not where the writer believes", async (store) => {
      const record = sampleNotification([T0, undefined]);
      await store.notifications.insert([record]);
      const changes = [
        sampleChange(record, 0, { state: "failed" }, 2),
        { ...sampleChange(record, 0, { state: "failed" }), expect: { attempt: 1, states: ["uncertain", "sent"] as const } },
        sampleChange(record, 1, { state: "sent" }),
        sampleChange(record, 2, { state: "sent" }),
        sampleChange({ id: hexId() }, 0, { state: "sent" }),
      ];
      assert.deepEqual(await store.notifications.change(changes), [false, false, false, false, false]);
      assert.deepEqual(await store.notifications.find(record.id), record);
    });

    test("tells for each of many changes whether it was applied", async (store) => {
      const records = Array.from({ length: 40 }, () => sampleNotification([T0]));
      await store.notifications.insert(records);
      const some = records.filter((_, i) => i % 3 === 0);
      await store.notifications.change(some.map((r) => sampleChange(r, 0, sent("early"))));
      const applied = await store.notifications.change(records.map((r) => sampleChange(r, 0, sent("late"))));
      assert.deepEqual(
        applied,
        records.map((_, i) => i % 3 !== 0),
      );
      const refs = await Promise.all(records.map(async (r) => (await store.notifications.find(r.id))?.deliveries[0]?.providerRef));
      assert.deepEqual(
        refs,
        records.map((_, i) => (i % 3 === 0 ? "early" : "late")),
      );
    });

    test("applies several changes to one notification in one call", async (store) => {
      const record = sampleNotification([T0, T0 + 1, T0 + 2]);
      await store.notifications.insert([record]);
      const applied = await store.notifications.change([0, 1, 2].map((i) => sampleChange(record, i, sent(`ref-${i}`))));
      assert.deepEqual(applied, [true, true, true]);
      const found = await store.notifications.find(record.id);
      assert.deepEqual(
        found?.deliveries.map((d) => [d.state, d.providerRef, d.nextAt]),
        [0, 1, 2].map((i) => ["sent", `ref-${i}`, undefined]),
      );
    });

    test("applies changes to one delivery in their order, each seeing the one before", async (store) => {
      const record = sampleNotification([T0]);
      await store.notifications.insert([record]);
      const changes = [
        sampleChange(record, 0, { attempt: 2, nextAt: T0 + 10 }),
        sampleChange(record, 0, { attempt: 9 }),
        sampleChange(record, 0, sent("second"), 2),
      ];
      assert.deepEqual(await store.notifications.change(changes), [true, false, true]);
      assert.equal((await store.notifications.find(record.id))?.deliveries[0]?.providerRef, "second");
    });

    test("refuses a change repeated after it was applied, and changes nothing", async (store) => {
      const record = sampleNotification([T0]);
      await store.notifications.insert([record]);
      const change = sampleChange(record, 0, sent("ref"));
      assert.deepEqual(await store.notifications.change([change]), [true]);
      const after = await store.notifications.find(record.id);
      assert.deepEqual(await store.notifications.change([change]), [false]);
      assert.deepEqual(await store.notifications.find(record.id), after);
    });

    test("makes due the earliest of the deliveries' next moments", async (store) => {
      const record = sampleNotification([T0, T0 + 100, T0 + 50]);
      await store.notifications.insert([record]);
      const dueIs = async (due: number, until: number) => {
        assert.equal((await store.notifications.takeDue([7], due - 1, until, 1)).length, 0, `not due before ${due - T0}`);
        assert.equal((await store.notifications.takeDue([7], due, until, 1)).length, 1, `due at ${due - T0}`);
      };
      await dueIs(T0, T0 + 10);
      await store.notifications.change([sampleChange(record, 0, { nextAt: T0 + 70 })]);
      await dueIs(T0 + 50, T0 + 60);
      await store.notifications.change([sampleChange(record, 2, sent("ref"))]);
      await dueIs(T0 + 70, T0 + 80);
      await store.notifications.change([sampleChange(record, 0, sent("ref"))]);
      await dueIs(T0 + 100, T0 + 110);
    });

    test("is due no more once every delivery has ended", async (store) => {
      const record = sampleNotification([T0, T0]);
      await store.notifications.insert([record]);
      assert.equal(await store.notifications.openCount(10), 1);
      await store.notifications.change([0, 1].map((i) => sampleChange(record, i, sent("ref"))));
      assert.equal(await store.notifications.openCount(10), 0);
      assert.deepEqual(await store.notifications.takeDue([7], T0 * 2, T0 * 3, 10), []);
    });

    test("applies each change for exactly one of several processes", async (store, url) => {
      const records = Array.from({ length: 150 }, () => sampleNotification([T0, undefined]));
      await store.notifications.insert(records);
      const workers = ["a", "b", "c"];
      const won = await runRace(
        url,
        workers.map((worker) => ({ kind: "change", worker, notificationIds: ids(records) })),
      );
      assert.deepEqual(won.flat().sort(), ids(records).sort());
      for (const [w, worker] of workers.entries())
        for (const id of won[w]!) assert.equal((await store.notifications.find(id))?.deliveries[0]?.providerRef, worker);
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

    test("counts the open up to a limit", async (store) => {
      await store.notifications.insert([...Array.from({ length: 12 }, () => sampleNotification([T0])), sampleNotification([undefined])]);
      assert.equal(await store.notifications.openCount(100), 12);
      assert.equal(await store.notifications.openCount(5), 5);
    });

    test("carries batches of a thousand and reads all of them back", async (store) => {
      const records = Array.from({ length: 1_000 }, () => sampleNotification([T0]));
      assert.ok((await store.notifications.insert(records)).every((r) => r.kind === "inserted"));
      const repeated = await store.notifications.insert(records);
      assert.ok(repeated.every((r, i) => r.kind === "exists" && r.record.id === records[i]?.id));
      assert.equal((await store.notifications.takeDue([7], T0, T0 + 1, 1_000)).length, 1_000);
      const applied = await store.notifications.change(records.map((r) => sampleChange(r, 0, sent("ref"))));
      assert.ok(applied.every(Boolean));
      const all = await Array.fromAsync(store.notifications.all());
      assert.deepEqual(ids(all).sort(), ids(records).sort());
      assert.ok(all.every((r) => r.deliveries[0]?.state === "sent"));
    });
  });

  describe(`${name}: attempts`, () => {
    test("gives a claim to the first and to nobody after", async (store) => {
      const attempt = sampleAttempt();
      assert.deepEqual(await store.attempts.claim([attempt]), [true]);
      assert.deepEqual(await store.attempts.claim([attempt]), [false]);
      assert.deepEqual(await store.attempts.claim([{ ...attempt, worker: "worker-b" }]), [false]);
      assert.deepEqual(await store.attempts.find([attempt.id]), [attempt]);
    });

    test("claims the new among the claimed, and the first of equal ids in one call", async (store) => {
      const [a, b, c] = [sampleAttempt(), sampleAttempt({ policyResend: true }), sampleAttempt()];
      await store.attempts.claim([b]);
      assert.deepEqual(await store.attempts.claim([a, b, c, { ...a, worker: "worker-b" }]), [true, false, true, false]);
      assert.deepEqual(byId(await store.attempts.find([a.id, b.id, c.id, "none/1"])), byId([a, b, c]));
    });

    test("keeps an attempt that closes a number without a call", async (store) => {
      const closed = sampleAttempt({ provider: "", outcome: { kind: "closed", state: "expired", reason: "expired" }, answeredAt: T0 });
      await store.attempts.claim([closed]);
      assert.deepEqual(await store.attempts.find([closed.id]), [closed]);
      const late = { id: closed.id, worker: closed.worker, outcome: { kind: "accepted", providerRef: "r" } as const, answeredAt: T0 };
      assert.deepEqual(await store.attempts.record([late]), [false]);
    });

    test("gives each claim to exactly one of several processes", async (store, url) => {
      const deliveryIds = Array.from({ length: 200 }, () => `${hexId()}-0`);
      const workers = ["a", "b", "c"];
      const won = await runRace(
        url,
        workers.map((worker) => ({ kind: "claim", worker, deliveryIds })),
      );
      assert.deepEqual(won.flat().sort(), [...deliveryIds].sort());
      for (const [w, worker] of workers.entries())
        for (const attempt of await store.attempts.find(won[w]!.map((id) => `${id}/1`))) assert.equal(attempt.worker, worker);
    });

    test("records an outcome once: the first stays", async (store) => {
      const attempt = sampleAttempt();
      await store.attempts.claim([attempt]);
      const outcome = { kind: "unanswered", fault: { code: "deadline", detail: "$a.b" } } as const;
      assert.deepEqual(await store.attempts.record([{ id: attempt.id, worker: "worker-a", outcome, answeredAt: T0 + 1 }]), [true]);
      const later = {
        id: attempt.id,
        worker: "worker-a",
        outcome: { kind: "closed", state: "cancelled", reason: "x" } as const,
        answeredAt: T0 + 2,
      };
      assert.deepEqual(await store.attempts.record([later]), [false]);
      assert.deepEqual(await store.attempts.find([attempt.id]), [{ ...attempt, outcome, answeredAt: T0 + 1 }]);
    });

    test("records nothing for another worker, and for anybody where none is named", async (store) => {
      const attempt = sampleAttempt();
      await store.attempts.claim([attempt]);
      const outcome = { kind: "accepted", providerRef: "SM1" } as const;
      const as = (worker: string | undefined) => store.attempts.record([{ id: attempt.id, worker, outcome, answeredAt: T0 }]);
      assert.deepEqual(await as("worker-b"), [false]);
      assert.equal((await store.attempts.find([attempt.id]))[0]?.outcome, undefined);
      assert.deepEqual(await as(undefined), [true]);
    });

    test("tells for each of many outcomes whether it was taken, the first of equal ids", async (store) => {
      const attempts = Array.from({ length: 30 }, (_, i) => sampleAttempt({ worker: i % 2 ? "worker-a" : "worker-b" }));
      await store.attempts.claim(attempts);
      const result = (id: string, ref: string) => ({
        id,
        worker: "worker-a",
        outcome: { kind: "accepted", providerRef: ref } as const,
        answeredAt: T0,
      });
      const results = [...attempts.map((a) => result(a.id, "first")), result(attempts[1]!.id, "second"), result("none/1", "x")];
      assert.deepEqual(await store.attempts.record(results), [...attempts.map((_, i) => i % 2 === 1), false, false]);
      const [found] = await store.attempts.find([attempts[1]!.id]);
      assert.deepEqual(found?.outcome, { kind: "accepted", providerRef: "first" });
    });

    test("takes each outcome from exactly one of several processes", async (store, url) => {
      const attempts = Array.from({ length: 150 }, () => sampleAttempt());
      await store.attempts.claim(attempts);
      const deliveryIds = attempts.map((a) => a.deliveryId);
      const workers = ["a", "b"];
      const won = await runRace(
        url,
        workers.map((worker) => ({ kind: "record", worker, deliveryIds })),
      );
      assert.deepEqual(won.flat().sort(), [...deliveryIds].sort());
      for (const [w, worker] of workers.entries())
        for (const { outcome } of await store.attempts.find(won[w]!.map((id) => `${id}/1`)))
          assert.deepEqual(outcome, { kind: "accepted", providerRef: worker });
    });

    test("carries batches of a thousand and reads all of them back", async (store) => {
      const attempts = Array.from({ length: 1_000 }, () => sampleAttempt());
      assert.ok((await store.attempts.claim(attempts)).every(Boolean));
      assert.ok((await store.attempts.claim(attempts)).every((claimed) => !claimed));
      const outcome = { kind: "throttled", retryAfterMs: undefined, reason: "429" } as const;
      const taken = await store.attempts.record(attempts.map((a) => ({ id: a.id, worker: a.worker, outcome, answeredAt: T0 })));
      assert.ok(taken.every(Boolean));
      const all = await Array.fromAsync(store.attempts.all());
      assert.deepEqual(byId(all), byId(attempts.map((a) => ({ ...a, outcome: { kind: "throttled", reason: "429" }, answeredAt: T0 }))));
    });

    test("does nothing where nothing is given", async (store) => {
      assert.deepEqual(await store.attempts.claim([]), []);
      assert.deepEqual(await store.attempts.record([]), []);
      assert.deepEqual(await store.attempts.find([]), []);
    });
  });

  describe(`${name}: contacts`, () => {
    test("lists the contacts of the users asked for, within their app", async (store) => {
      const mine = sampleContact();
      const second = sampleContact({ registeredAt: T0 + 1, endpoint: { channel: "email", address: "who@example.com" } });
      const friend = sampleContact({ userId: "u2", registeredAt: T0 + 2 });
      const others = [sampleContact({ userId: "u3" }), sampleContact({ app: "bank" })];
      for (const contact of [second, friend, ...others, mine]) await store.contacts.register(contact);
      assert.deepEqual(await store.contacts.list("shop", ["u1", "u2"]), [mine, second, friend]);
      assert.deepEqual(await store.contacts.list("shop", []), []);
    });

    test("renews a contact registered again", async (store) => {
      const contact = sampleContact();
      await store.contacts.register(contact);
      await store.contacts.register({ ...contact, registeredAt: T0 + 9 });
      assert.deepEqual(await store.contacts.list("shop", ["u1"]), [{ ...contact, registeredAt: T0 + 9 }]);
    });

    test("moves an endpoint to the user it is registered for last, and not across apps", async (store) => {
      const contact = sampleContact();
      const elsewhere = { ...contact, app: "bank" };
      for (const c of [contact, elsewhere, { ...contact, userId: "u2" }]) await store.contacts.register(c);
      assert.deepEqual(await store.contacts.list("shop", ["u1", "u2"]), [{ ...contact, userId: "u2" }]);
      assert.deepEqual(await store.contacts.list("bank", ["u1"]), [elsewhere]);
    });

    test("leaves an endpoint to one user when several register it at once", async (store, url) => {
      await using other = await openStore(url);
      const contact = sampleContact();
      const users = Array.from({ length: 8 }, (_, i) => `u${i}`);
      await Promise.all(users.map((userId, i) => (i % 2 ? store : other).contacts.register({ ...contact, userId })));
      assert.equal((await store.contacts.list("shop", users)).length, 1);
    });

    test("removes a contact once, and only its own user's", async (store) => {
      const contact = sampleContact();
      await store.contacts.register(contact);
      assert.equal(await store.contacts.remove("shop", "u2", contact.endpointId), false);
      assert.equal(await store.contacts.remove("bank", "u1", contact.endpointId), false);
      assert.equal(await store.contacts.remove("shop", "u1", contact.endpointId), true);
      assert.equal(await store.contacts.remove("shop", "u1", contact.endpointId), false);
      assert.deepEqual(await store.contacts.list("shop", ["u1"]), []);
    });

    test("removes an endpoint that is gone, unless it was registered again since", async (store) => {
      const contact = sampleContact();
      await store.contacts.register(contact);
      assert.equal(await store.contacts.removeGone("shop", contact.endpointId, T0 - 1), false);
      assert.equal(await store.contacts.removeGone("bank", contact.endpointId, T0 + 1), false);
      assert.equal(await store.contacts.removeGone("shop", contact.endpointId, T0), true);
      assert.deepEqual(await store.contacts.list("shop", ["u1"]), []);
    });
  });

  describe(`${name}: preferences`, () => {
    const smsAds = { channel: "sms", category: "ads" } as const;
    const everything = { channel: "*", category: "*" } as const;

    test("creates, changes and takes back refusals, one version each", async (store) => {
      const first = await store.preferences.update("shop", "user:u1", [smsAds, everything], [], T0);
      assert.deepEqual(first, { app: "shop", subject: "user:u1", version: 1, refusals: [smsAds, everything], updatedAt: T0 });
      const second = await store.preferences.update("shop", "user:u1", [smsAds], [everything], T0 + 1);
      assert.deepEqual(second, { ...first, version: 2, refusals: [smsAds], updatedAt: T0 + 1 });
      assert.deepEqual(await store.preferences.find("shop", ["user:u1"]), [second]);
    });

    test("finds the subjects asked for, within their app, whatever their names", async (store) => {
      const subjects = ["user:u1", 'user:$a.b"', "user:", "user:ü🔔"];
      for (const subject of subjects) await store.preferences.update("shop", subject, [smsAds], [], T0);
      await store.preferences.update("bank", "user:u1", [everything], [], T0);
      const found = await store.preferences.find("shop", [...subjects, "user:none", "user:u1"]);
      assert.deepEqual(found.map((p) => p.subject).sort(), [...subjects].sort());
      assert.ok(found.every((p) => p.app === "shop"));
      assert.deepEqual(await store.preferences.find("shop", []), []);
    });

    test("loses no change when several processes update one subject", async (store, url) => {
      const times = 20;
      const workers = ["a", "b", "c"];
      const versions = await runRace(
        url,
        workers.map((worker) => ({ kind: "update", worker, times })),
      );
      const expected = Array.from({ length: times * workers.length }, (_, i) => i + 1);
      assert.deepEqual(
        versions
          .flat()
          .map(Number)
          .sort((a, b) => a - b),
        expected,
      );
      const [record] = await store.preferences.find("shop", ["user:u1"]);
      assert.equal(record?.version, expected.length);
      assert.equal(record?.refusals.length, expected.length);
    });

    test("lists what changed since a moment, that moment included, the oldest first", async (store) => {
      for (const [i, at] of [30, 10, 20, 20].entries()) await store.preferences.update("shop", `user:${i}`, [smsAds], [], T0 + at);
      const since = async (at: number) => (await Array.fromAsync(store.preferences.changedSince(at))).map((p) => p.updatedAt - T0);
      assert.deepEqual(await since(0), [10, 20, 20, 30]);
      assert.deepEqual(await since(T0 + 20), [20, 20, 30]);
      assert.deepEqual(await since(T0 + 31), []);
    });

    test("lists more than a thousand changes of one moment", async (store) => {
      const subjects = Array.from({ length: 1_100 }, (_, i) => `user:${i}`);
      for (let i = 0; i < subjects.length; i += 50)
        await Promise.all(subjects.slice(i, i + 50).map((s) => store.preferences.update("shop", s, [everything], [], T0)));
      const listed = (await Array.fromAsync(store.preferences.changedSince(T0))).map((p) => p.subject);
      assert.deepEqual(listed.sort(), [...subjects].sort());
    });
  });

  describe(`${name}: apps`, () => {
    test("finds an app by its id and by each of its keys", async (store) => {
      const app = { id: "shop", channels: ["sms" as const], keyHashes: ["k1", "k2"] };
      await store.apps.put(app);
      assert.deepEqual(await store.apps.find("shop"), app);
      assert.deepEqual(await store.apps.findByKeyHash("k1"), app);
      assert.deepEqual(await store.apps.findByKeyHash("k2"), app);
      assert.equal(await store.apps.find("bank"), undefined);
      assert.equal(await store.apps.findByKeyHash("k3"), undefined);
    });

    test("forgets the keys an app no longer has", async (store) => {
      await store.apps.put({ id: "shop", channels: ["sms"], keyHashes: ["k1", "k2"] });
      const replaced = { id: "shop", channels: ["email" as const], keyHashes: ["k2", "k3"] };
      await store.apps.put(replaced);
      await store.apps.put(replaced);
      assert.equal(await store.apps.findByKeyHash("k1"), undefined);
      assert.deepEqual(await store.apps.findByKeyHash("k3"), replaced);
      assert.deepEqual(await store.apps.find("shop"), replaced);
    });
  });

  describe(`${name}: opening`, () => {
    test("keeps everything when closed and opened again", async (store, url) => {
      const [record, attempt, contact] = [sampleNotification([T0]), sampleAttempt(), sampleContact()];
      const app = { id: "shop", channels: ["sms" as const], keyHashes: ["k1"] };
      {
        await using first = await openStore(url);
        await first.notifications.insert([record]);
        await first.attempts.claim([attempt]);
        await first.contacts.register(contact);
        await first.preferences.update("shop", "user:u1", [{ channel: "*", category: "ads" }], [], T0);
        await first.apps.put(app);
      }
      await using again = await openStore(url);
      for (const s of [again, store]) {
        assert.deepEqual(await s.notifications.takeDue([7], T0, T0, 1), [record]);
        assert.deepEqual(await s.attempts.find([attempt.id]), [attempt]);
        assert.deepEqual(await s.contacts.list("shop", ["u1"]), [contact]);
        assert.equal((await s.preferences.find("shop", ["user:u1"]))[0]?.version, 1);
        assert.deepEqual(await s.apps.findByKeyHash("k1"), app);
      }
    });

    it("lets several open a new database at the same moment", async () => {
      await using database = await createDatabase();
      const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(database.url)));
      const record = sampleNotification();
      const results = await Promise.all(stores.map((s) => s.notifications.insert([record])));
      assert.equal(results.flat().filter((r) => r.kind === "inserted").length, 1);
      for (const store of stores) await store[Symbol.asyncDispose]();
    });
  });
}

const ids = (records: readonly NotificationRecord[]) => records.map((r) => r.id);
const byId = <T extends { id: string }>(records: readonly T[]) => [...records].sort((a, b) => (a.id < b.id ? -1 : 1));

/** Runs each race in a process of its own, all started at the same moment; gives what each won. */
async function runRace(url: string, races: readonly Race[]): Promise<string[][]> {
  const signal = AbortSignal.timeout(RACE_MS);
  const racers = races.map(() =>
    fork(new URL("store-racer.ts", import.meta.url), [url], { execArgv: ["--disable-warning=ExperimentalWarning"] }),
  );
  const heard = (racer: (typeof racers)[number]) =>
    Promise.race([
      once(racer, "message", { signal }).then(([message]) => message as unknown),
      once(racer, "exit", { signal }).then(([code]) => Promise.reject(new Error(`a racer ended with ${code} before it answered`))),
    ]);
  try {
    await Promise.all(racers.map(heard));
    const answers = racers.map(heard);
    for (const [i, racer] of racers.entries()) racer.send(races[i]!);
    const won = (await Promise.all(answers)) as string[][];
    await Promise.all(racers.map((racer) => (racer.exitCode === null ? once(racer, "exit", { signal }) : undefined)));
    return won;
  } finally {
    for (const racer of racers) racer.kill("SIGKILL");
  }
}
