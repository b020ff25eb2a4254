import assert from "node:assert/strict";
import { describe } from "node:test";
import { openStore } from "../../../adapters/store/open-store.ts";
import type { ContactRecord, GoneReport } from "../../../core/ports/contact-store.ts";
import { sampleContact, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

/** Sorted by user, for reads that keep no order between users. */
const byUser = (contacts: readonly ContactRecord[]) => [...contacts].sort((a, b) => (a.userId < b.userId ? -1 : 1));
/** Of an attempt that took a moment. */
const gone = (goneAt: number, startedAt = goneAt): GoneReport => ({ goneAt, startedAt, answeredAt: startedAt + 1 });
const mailbox = sampleContact({ endpoint: { channel: "email", address: "family@example.com" } });
const phone = sampleContact({ endpoint: { channel: "sms", phoneNumber: "+4915112345678" } });
const devices = (["apns", "fcm", "webpush"] as const).map((channel) =>
  sampleContact({
    endpoint:
      channel === "webpush" ? { channel, pushUrl: "https://push.example/1", p256dh: "k", auth: "a" } : { channel, token: "ab".repeat(32) },
  }),
);

export function describeContacts(name: string, test: StoreTest): void {
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

    test("reads all contacts of an app", async (store) => {
      // More than a page.
      const all = Array.from({ length: 1_203 }, (_, n) => sampleContact({ userId: `u${n % 400}` }));
      for (const contact of [...all, sampleContact({ app: "bank" })]) await store.contacts.register(contact);
      const byEndpoint = (contacts: readonly ContactRecord[]) => [...contacts].sort((a, b) => (a.endpointId < b.endpointId ? -1 : 1));
      assert.deepEqual(byEndpoint(await Array.fromAsync(store.contacts.all("shop"))), byEndpoint(all));
      assert.deepEqual(await Array.fromAsync(store.contacts.all("none")), []);
    });

    test("renews a contact registered again", async (store) => {
      const contact = sampleContact();
      const of = { locale: "pt-BR", deviceLabel: "Ann's iPad", lastSeenAt: T0 + 8 };
      const endpoint = { channel: "apns", token: "ab".repeat(32), application: "com.example.shop", environment: "development" } as const;
      const renewed = { ...contact, ...of, endpoint, registeredAt: T0 + 9 };
      assert.equal(await store.contacts.register(contact), undefined);
      assert.deepEqual(await store.contacts.register(renewed), contact);
      assert.deepEqual(await store.contacts.list("shop", ["u1"]), [renewed]);
      assert.deepEqual(await store.contacts.register(contact), renewed);
    });

    for (const contact of devices)
      test(`moves an endpoint of ${contact.endpoint.channel} to the user it is registered for last, and not across apps`, async (store) => {
        const elsewhere = { ...contact, app: "bank" };
        for (const c of [contact, elsewhere]) assert.equal(await store.contacts.register(c), undefined);
        assert.deepEqual(await store.contacts.register({ ...contact, userId: "u2" }), contact);
        assert.deepEqual(await store.contacts.list("shop", ["u1", "u2"]), [{ ...contact, userId: "u2" }]);
        assert.deepEqual(await store.contacts.list("bank", ["u1"]), [elsewhere]);
        assert.deepEqual(await store.contacts.find([contact]), [{ ...contact, userId: "u2" }]);
      });

    for (const contact of [mailbox, phone])
      test(`lets several users have one endpoint of ${contact.endpoint.channel}, each renewed and removed alone`, async (store) => {
        const kid = { ...contact, userId: "u2", registeredAt: T0 + 1 };
        const elsewhere = { ...contact, app: "bank", userId: "u3" };
        for (const c of [contact, kid, elsewhere]) assert.equal(await store.contacts.register(c), undefined);
        assert.deepEqual(byUser(await store.contacts.list("shop", ["u1", "u2", "u3"])), [contact, kid]);
        const renewed = { ...contact, registeredAt: T0 + 9 };
        assert.deepEqual(await store.contacts.register(renewed), contact);
        assert.deepEqual(byUser(await store.contacts.find([contact])), [renewed, kid]);
        assert.equal(await store.contacts.remove("shop", "u1", contact.endpointId), true);
        assert.deepEqual(
          await store.contacts.find([contact, elsewhere]),
          [elsewhere, kid].sort((a, b) => a.registeredAt - b.registeredAt),
        );
      });

    test("finds all users of several endpoints in several apps at once", async (store) => {
      const of = [mailbox, { ...mailbox, userId: "u2" }, phone, { ...phone, app: "bank" }, devices[0]!];
      for (const contact of of) await store.contacts.register(contact);
      const asked = [mailbox, { ...phone, app: "bank" }, devices[0]!, { app: "bank", endpointId: mailbox.endpointId }, mailbox];
      const found = await store.contacts.find(asked.map(({ app, endpointId }) => ({ app, endpointId })));
      const name = (c: ContactRecord) => `${c.app} ${c.endpointId} ${c.userId}`;
      assert.deepEqual(found.map(name).sort(), [of[0]!, of[1]!, of[3]!, of[4]!].map(name).sort());
      assert.deepEqual(await store.contacts.find([]), []);
    });

    test("leaves an endpoint to one user when several register it at once", async (store, url) => {
      await using other = await openStore(url);
      const contact = sampleContact();
      const users = Array.from({ length: 8 }, (_, i) => `u${i}`);
      await Promise.all(users.map((userId, i) => (i % 2 ? store : other).contacts.register({ ...contact, userId })));
      assert.equal((await store.contacts.list("shop", users)).length, 1);
    });

    test("keeps every user of an endpoint that several register at once", async (store, url) => {
      await using other = await openStore(url);
      const users = Array.from({ length: 8 }, (_, i) => `u${i}`);
      await Promise.all(users.map((userId, i) => (i % 2 ? store : other).contacts.register({ ...mailbox, userId })));
      assert.deepEqual((await store.contacts.find([mailbox])).map((c) => c.userId).sort(), users);
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

    test("removes what was registered until a moment, and leaves what was renewed since", async (store) => {
      for (const contact of [mailbox, devices[0]!]) {
        await store.contacts.register(contact);
        const remove = () => store.contacts.remove("shop", "u1", contact.endpointId, T0);
        const renewed = { ...contact, registeredAt: T0 + 1 };
        await store.contacts.register(renewed);
        assert.equal(await remove(), false);
        assert.deepEqual(await store.contacts.find([contact]), [renewed]);
        await store.contacts.register({ ...contact, registeredAt: T0 });
        assert.equal(await remove(), true);
        assert.deepEqual(await store.contacts.find([contact]), []);
      }
    });

    test("removes an endpoint that is gone for all its users, unless it was registered again since", async (store) => {
      const kid = { ...mailbox, userId: "u2", registeredAt: T0 + 2 };
      const late = { ...mailbox, userId: "u3", registeredAt: T0 + 9 };
      for (const contact of [mailbox, kid, late]) await store.contacts.register(contact);
      assert.equal(await store.contacts.removeGone("shop", mailbox.endpointId, gone(T0 - 1)), false);
      assert.equal(await store.contacts.removeGone("bank", mailbox.endpointId, gone(T0 + 3)), false);
      assert.equal(await store.contacts.removeGone("shop", mailbox.endpointId, gone(T0 + 3)), true);
      assert.deepEqual(await store.contacts.find([mailbox]), [late]);
    });

    test("removes an endpoint that a second attempt after its registration reports as gone before it", async (store) => {
      const [contact] = devices as [ContactRecord];
      const remove = (report: GoneReport) => store.contacts.removeGone("shop", contact.endpointId, report);
      await store.contacts.register(contact);
      assert.equal(await remove(gone(T0 - 50, T0 - 1)), false, "an attempt from before the registration says nothing");
      assert.equal((await store.contacts.find([contact]))[0]?.goneReportedAt, undefined);
      assert.equal(await remove(gone(T0 - 50, T0 + 10)), false, "the first report");
      assert.deepEqual(await store.contacts.find([contact]), [{ ...contact, goneReportedAt: T0 + 11 }]);
      assert.equal(await remove(gone(T0 - 50, T0 + 10)), false, "an attempt made at the same time");
      await store.contacts.register({ ...contact, registeredAt: T0 + 20 });
      assert.equal(await remove(gone(T0 - 50, T0 + 30)), false, "a registration starts anew");
      assert.equal(await remove(gone(T0 - 50, T0 + 40)), true);
      assert.deepEqual(await store.contacts.find([contact]), []);
    });
  });
}
