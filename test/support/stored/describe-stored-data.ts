import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openStore } from "../../../adapters/store/open-store.ts";
import { isOpen } from "../../../core/delivery/notification.ts";
import { deliveryIdOf } from "../../../core/ports/attempt-store.ts";
import type { ContactRecord } from "../../../core/ports/contact-store.ts";
import type { Store } from "../../../core/ports/store.ts";
import { refusalOf } from "../../../core/preferences/answer.ts";
import { stateOf } from "../../../core/preferences/change.ts";
import { anyChange } from "../changes.ts";
import { changing } from "../changing.ts";
import { allAttempts, allNotifications } from "../everything.ts";
import { leaseDue } from "../lease-due.ts";
import { byId } from "../store/samples.ts";
import type { TestDatabase } from "../store-contract.ts";
import { apps, attempts, contacts, notifications, poison, preferences } from "./records.ts";

const LATER = 2_000_000_000_000;

/** What earlier versions stored is read as before, and worked on. `createDatabase` gives a fresh one that holds it. */
export function describeStoredData(name: string, createDatabase: () => Promise<TestDatabase>): void {
  const test = (sentence: string, body: (store: Store) => Promise<void>) =>
    it(sentence, async () => {
      await using database = await createDatabase();
      await using store = await openStore(database.url);
      await body(store);
    });

  describe(`${name}: data of an earlier version`, () => {
    test("holds every notification, attempt, contact, app and poison message as before", async (store) => {
      assert.deepEqual(await allNotifications(store), byId(notifications));
      assert.deepEqual(byId(await allAttempts(store)), byId(attempts));
      assert.deepEqual(await store.contacts.list("shop", ["u1", "u2"]), contacts);
      for (const app of apps) {
        assert.deepEqual(await store.apps.find(app.id), app);
        for (const { hash } of app.keys) assert.deepEqual(await store.apps.findByKeyHash(hash), app);
      }
      assert.deepEqual(await store.poison.list(10), poison);
    });

    test("keeps the keys of an app that is given another one", async (store) => {
      const [app] = apps;
      const key = { id: "new", hash: "aa", createdAt: LATER };
      const changed = await store.apps.change(app!.id, (before) => ({ ...before!, keys: [...before!.keys, key] }));
      assert.deepEqual(changed, { ...app, keys: [...app!.keys, key], version: 1 });
      for (const { hash } of changed.keys) assert.deepEqual(await store.apps.findByKeyHash(hash), changed);
      assert.deepEqual(await Array.fromAsync(store.apps.list()), [changed, ...apps.slice(1)]);
    });

    test("renews its contacts in place, moves a device, and shares a mailbox", async (store) => {
      const renewed = contacts.map((c) => ({ ...c, registeredAt: LATER }));
      for (const contact of renewed) await store.contacts.register(contact);
      const nameOf = ({ endpointId, userId, registeredAt }: ContactRecord) => `${endpointId} ${userId} ${registeredAt}`;
      assert.deepEqual((await store.contacts.find(contacts)).map(nameOf).sort(), renewed.map(nameOf).sort());
      for (const contact of contacts) await store.contacts.register({ ...contact, userId: "u3" });
      const users = Map.groupBy(await store.contacts.find(contacts), (c) => c.endpoint.channel);
      const numbers = [...users].map(([channel, of]) => `${channel} ${of.length}`);
      assert.deepEqual(numbers.sort(), ["apns 1", "email 2", "fcm 1", "sms 2", "webpush 1"]);
      for (const { app, endpointId, userId } of contacts) await store.contacts.remove(app, userId, endpointId);
      assert.equal(
        (await store.contacts.find(contacts)).every((c) => c.userId === "u3"),
        true,
      );
    });

    test("holds every opt-out, and obeys it", async (store) => {
      assert.deepEqual(await Array.fromAsync(store.preferences.changedSince(0)), preferences);
      for (const { app, subject, optOuts } of preferences) {
        const [found] = await store.preferences.find(app, [subject]);
        for (const { channel, category } of optOuts) {
          const about = { channel: channel === "*" ? "email" : channel, category: category === "*" ? "any" : category } as const;
          const asked = { ...about, notificationClass: "critical", default: "opted-in" } as const;
          assert.equal(refusalOf([stateOf(found!)], asked, LATER), "opted-out", subject);
        }
      }
      assert.equal(preferences.flatMap((p) => p.optOuts).length, 4);
    });

    test("keeps the earlier opt-outs where one is added, and where one is taken back", async (store) => {
      const [user] = preferences;
      const added = { channel: "fcm", category: "tips" } as const;
      const first = await store.preferences.update(user!.app, user!.subject, changing([added]), LATER);
      const { lastChange, ...record } = first;
      assert.deepEqual(record, { ...user, version: user!.version + 1, optOuts: [...user!.optOuts, added], updatedAt: LATER });
      assert.deepEqual(await store.preferences.history(user!.app, user!.subject, first.version + 1, 10), [lastChange]);
      const second = await store.preferences.update(user!.app, user!.subject, changing([], [user!.optOuts[0]!]), LATER + 1);
      assert.deepEqual(second.optOuts, [...user!.optOuts.slice(1), added]);
      const { lastChange: _, ...asRead } = second;
      assert.deepEqual(await store.preferences.find(user!.app, [user!.subject]), [asRead]);
    });

    test("is leased where it is open, and nothing else is", async (store) => {
      const open = notifications.filter((n) => n.deliveries.some((d) => isOpen(d.state)));
      assert.equal(await store.notifications.openCount(100), open.length);
      const leased = await leaseDue(store.notifications, LATER, LATER + 1, 100);
      assert.deepEqual(byId(leased), byId(open));
    });

    test("counts its failures, and ends what is open", async (store) => {
      const failed = notifications.filter((n) => n.deliveries.some((d) => d.state === "failed"));
      assert.deepEqual(byId(await Array.fromAsync(store.notifications.failed(0, LATER))), byId(failed));
      for (const { id, deliveries } of notifications)
        for (const d of deliveries.filter(({ state }) => isOpen(state))) {
          const expect = { attempt: d.attempt, states: [d.state] };
          const set = { state: "sent", providerRef: "now", nextAt: undefined, endedAt: LATER } as const;
          assert.deepEqual(await store.notifications.change([anyChange({ notificationId: id, deliveryId: d.id, expect, set })]), [true]);
        }
      assert.equal(await store.notifications.openCount(100), 0);
    });

    test("keeps every number that was claimed from being claimed again, and every outcome and reference from another", async (store) => {
      assert.deepEqual(
        await store.attempts.claim(attempts),
        attempts.map(() => false),
      );
      const outcome = { kind: "accepted", providerRef: "other" } as const;
      const record = attempts.map(({ id }) => ({ id, worker: undefined, outcome, answeredAt: LATER }));
      assert.deepEqual(
        await store.attempts.record(record),
        attempts.map((a) => a.outcome === undefined),
      );
      const other = `${deliveryIdOf(attempts[0]!.id)}/99`;
      for (const ref of ["SM1", "SM20", "SM21", "SM99"]) assert.equal(await store.attempts.attribute("twilio", ref, other), false, ref);
    });
  });
}
