import assert from "node:assert/strict";
import { describe } from "node:test";
import { openStore } from "../../../adapters/store/open-store.ts";
import { sampleContact, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

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
}
