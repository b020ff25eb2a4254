import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointId } from "../../adapters/ids.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { Store } from "../../core/ports/store.ts";
import { isSameOptOut, userSubject } from "../../core/preferences/opt-out.ts";
import { isCallError } from "../../runtime/call-error.ts";
import { ADA, ASKED, choice, erase, MAIL, now, partsOf, TOKEN, tombstonesOf, withAda } from "../../test/support/erasable-user.ts";
import { createContactRegistration } from "../contact-registration.ts";
import { eraseUser } from "./erase-user.ts";

const PHONE = { channel: "sms", phoneNumber: "+4915112345678" } as const;
const REFUSED = [choice("email", "news"), choice("sms", "*")];

async function register(store: Store, endpoint: Endpoint): Promise<void> {
  const contact = { app: "shop", userId: ADA, endpoint, registeredAt: now, lastSeenAt: now };
  assert.equal(isCallError(await createContactRegistration(store.contacts, tombstonesOf(store))(endpoint, contact)), false);
}

/** After a step that removed the refusals: the look for contacts, and the change that brings them back. */
const BARE_CALLS_MAX = 2;

const endpointsOf = async (store: Store) => (await store.contacts.list("shop", [ADA])).map((contact) => contact.endpointId);

/** Whether all that the user refused before is refused now. */
async function areRefused(store: Store): Promise<boolean> {
  const [live] = await store.preferences.find("shop", [userSubject(ADA)]);
  return REFUSED.every((refused) => live?.optOuts.some((optOut) => isSameOptOut(optOut, refused)) ?? false);
}

/** The store, which calls `before` with the number of each call first. */
function watched(store: Store, before: (call: number) => Promise<void>): Store {
  let calls = 0;
  const wrap = <Call extends (...given: never[]) => unknown>(call: Call) =>
    (async (...given: never[]) => {
      await before(++calls);
      return call(...given);
    }) as unknown as Call;
  const part = <T extends object>(of: T): T =>
    Object.fromEntries(Object.entries(of).map(([name, is]) => [name, typeof is === "function" ? wrap(is as never) : is])) as T;
  const { notifications, contacts, profiles, preferences, erase } = store;
  return {
    ...{ ...store, erase: wrap(erase) },
    ...{ notifications: part(notifications), contacts: part(contacts), profiles: part(profiles), preferences: part(preferences) },
  };
}

test("a contact that is registered while its user is erased stays, and what the user refused holds for it", async () => {
  for (const endpoint of [PHONE, MAIL])
    for (let at = 3; ; at++) {
      await using world = await withAda({ notifications: 3 });
      const { store } = world;
      const when = `${endpoint.channel}, registered before call ${at}`;
      let isThere = false;
      // Calls in a row before which nothing was refused: one step of the erasure may have removed what the next ones restore.
      let bare = 0;
      const seen = watched(store, async (call) => {
        if (call === at) {
          await register(store, endpoint);
          isThere = true;
          assert.ok(await areRefused(store), `at the registration's answer: ${when}`);
        }
        bare = isThere && !(await areRefused(store)) ? bare + 1 : 0;
        assert.ok(bare <= BARE_CALLS_MAX, `before call ${call}: ${when}`);
      });
      assert.equal((await eraseUser(partsOf(seen), ASKED, () => true)).complete, true, when);
      if (!isThere) break;
      assert.deepEqual(await endpointsOf(store), [endpointId(endpoint)], when);
      assert.ok(await areRefused(store), when);
      // The next erasure takes it, as it was there before it.
      assert.equal((await erase(store)).complete, true);
      assert.deepEqual([await endpointsOf(store), await store.preferences.find("shop", [userSubject(ADA)])], [[], []], when);
    }
});

test("what a user refused holds for a contact between whose steps they are erased", async () => {
  for (let at = 1; ; at++) {
    await using world = await withAda({ notifications: 3 });
    const { store } = world;
    let isErased = false;
    const seen = watched(store, async (call) => {
      if (call !== at) return;
      isErased = true;
      assert.equal((await erase(store)).complete, true);
    });
    await register(seen, PHONE);
    if (!isErased) break;
    if ((await endpointsOf(store)).length > 0) assert.ok(await areRefused(store), `erased before call ${at}`);
  }
});

test("a profile that is set while its user is erased stays", async () => {
  await using world = await withAda({ notifications: 3 });
  const { store } = world;
  let [isRead, isSet] = [false, false];
  const profiles: Store["profiles"] = {
    ...store.profiles,
    async find(...given) {
      isRead = true;
      return store.profiles.find(...given);
    },
  };
  const contacts: Store["contacts"] = {
    ...store.contacts,
    async remove(...given) {
      if (isRead && !isSet) await store.profiles.put("shop", ADA, { timeZone: "Asia/Seoul" }, now);
      isSet = isRead;
      return store.contacts.remove(...given);
    },
  };
  const report = await eraseUser({ ...partsOf(store), store: { ...store, profiles, contacts } }, ASKED, () => true);
  assert.deepEqual([isSet, report.complete, report.erased.profiles], [true, true, 0]);
  assert.deepEqual((await store.profiles.find("shop", [ADA]))[0]?.profile, { timeZone: "Asia/Seoul" });
});

test("the last registration of a device counts: it stays with another user to whom it went while the first one is erased", async () => {
  await using world = await withAda({ notifications: 3 });
  const { store } = world;
  const id = endpointId(TOKEN);
  const moved = { app: "shop", userId: "charles", endpointId: id, endpoint: TOKEN, registeredAt: now };
  let isMoved = false;
  const seen = watched(store, async (call) => {
    if (call !== 3) return;
    await store.contacts.register(moved);
    isMoved = true;
  });
  assert.equal((await eraseUser(partsOf(seen), ASKED, () => true)).complete, true);
  assert.ok(isMoved);
  assert.deepEqual(await store.contacts.find([moved]), [moved]);
});
