import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { endpointId } from "../../adapters/ids.ts";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import type { Store } from "../../core/ports/store.ts";
import { endpointSubject, userSubject } from "../../core/preferences/opt-out.ts";
import { changing } from "../../test/support/changing.ts";
import {
  ADA,
  ASKED,
  choice,
  erase,
  FAMILY,
  insert,
  key,
  MAIL,
  now,
  partsOf,
  SECRET,
  TOKEN,
  withAda,
} from "../../test/support/erasable-user.ts";
import { sampleAttempt, sampleChange, sampleNotification, T0 } from "../../test/support/store/samples.ts";
import { eraseUser } from "./erase-user.ts";

/** Each names the person, or could. */
const SECRETS = [ADA, MAIL.address, TOKEN.token, "Your code is 731", "SM731", "letter-of-ada", "Europe/London"];

/** All that the store holds, but for these notifications. */
async function everythingBut(store: Store, others: readonly NotificationRecord[]): Promise<string> {
  const records = (await store.notifications.page("", 10_000)).filter(({ id }) => !others.some((other) => other.id === id));
  const attempts = await Promise.all(records.map(({ id }) => store.attempts.between(id, id)));
  const preferences = await Array.fromAsync(store.preferences.changedSince(0));
  const history = await Promise.all(preferences.map(({ app, subject }) => store.preferences.history(app, subject, 1e9, 100)));
  const contacts = await store.contacts.list("shop", [ADA]);
  return JSON.stringify([records, attempts, preferences, history, contacts, await store.profiles.find("shop", [ADA])]);
}

async function assertErased(store: Store, others: readonly NotificationRecord[]): Promise<void> {
  const text = await everythingBut(store, others);
  for (const secret of SECRETS) assert.equal(text.includes(secret), false, secret);
  for (const { id } of others) assert.notEqual((await store.notifications.find(id))?.content.sms?.text, undefined);
  assert.deepEqual(
    (await store.contacts.find([{ app: "shop", endpointId: endpointId(FAMILY) }])).map(({ userId }) => userId),
    ["charles"],
  );
}

test("an erasure leaves nothing of the user, everything of others, and says what it did", async () => {
  await using world = await withAda();
  const { store, others } = world;
  const report = await erase(store);
  await assertErased(store, others);
  const { erased, user_hash, ...rest } = report;
  assert.deepEqual(
    { ...rest, started_at: "", finished_at: "" },
    {
      version: 1,
      app: "shop",
      requested_by: ASKED.requestedBy,
      started_at: "",
      finished_at: "",
      complete: true,
      cancelled: 12,
      in_flight: 0,
      tombstones: 2,
    },
  );
  // Of what was open the void attempt that cancelled it.
  assert.deepEqual(erased, {
    ...{ notifications: 120, attempts: 120, attributions: 0, poison: 0, contents: 0, blobs: 0 },
    ...{ endpoints: 3, profiles: 1, preferences: 1, preference_changes: erased.preference_changes },
  });
  assert.ok(erased.preference_changes >= 3);
  assert.equal(user_hash, createHmac("sha256", SECRET).update(`erased shop user:${ADA}`).digest("hex"));
  const again = await erase(store);
  assert.deepEqual([again.complete, again.erased.notifications, again.erased.endpoints], [true, 0, 0]);
});

test("wherever it is interrupted, the next call finishes it, and no refusal is lost", async () => {
  const methods = ["notifications", "attempts", "contacts", "profiles", "preferences"] as const;
  for (let at = 1; ; at++) {
    await using world = await withAda();
    const { store, others } = world;
    let calls = 0;
    let stopped = false;
    const count = <Call extends (...given: never[]) => unknown>(call: Call): Call =>
      ((...given: never[]) => {
        if (++calls < at) return call(...given);
        stopped = true;
        return Promise.reject(new Error("died"));
      }) as Call;
    const failing = <T extends object>(part: T): T =>
      Object.fromEntries(
        Object.entries(part).map(([name, value]) => [name, typeof value === "function" ? count(value.bind(part) as never) : value]),
      ) as T;
    const dying = {
      ...store,
      erase: count(store.erase),
      ...Object.fromEntries(methods.map((name) => [name, failing(store[name])])),
    } as Store;
    await eraseUser(partsOf(dying), ASKED, () => true).catch(() => undefined);
    assert.equal((await erase(store)).complete, true, `died at call ${at}`);
    await assertErased(store, others);
    const kept = await store.preferences.find("shop", [key.tombstoneOf("shop", userSubject(ADA))]);
    assert.deepEqual(kept[0]?.optOuts, [choice("email", "news"), choice("sms", "*")], `died at call ${at}`);
    if (!stopped) break;
    // Later pages repeat what earlier ones do.
    if (at > 20) at += 3;
  }
});

test("without time it stops between two pages, and says that it is not complete", async () => {
  await using world = await withAda();
  const { store, others } = world;
  let reports = 0;
  for (let complete = false; !complete; reports++) {
    let pages = 4;
    complete = (await erase(store, () => pages-- > 0)).complete;
  }
  assert.ok(reports > 1, `${reports}`);
  await assertErased(store, others);
});

test("what a provider may be sending is left, and erased once it has ended", async () => {
  await using world = await withAda();
  const { store, others } = world;
  const record = await insert(store, sampleNotification([T0], { recipient: { kind: "user", userId: ADA } }), false);
  await store.attempts.claim([sampleAttempt({ deliveryId: `${record.id}-0`, worker: "dispatcher" })]);
  const report = await erase(store);
  assert.deepEqual([report.complete, report.in_flight], [false, 1]);
  // What is in flight may be sent again, and then needs them.
  const refusals = async () => (await store.preferences.find("shop", [userSubject(ADA)]))[0]?.optOuts;
  assert.deepEqual(await refusals(), [choice("email", "news"), choice("sms", "*")]);
  assert.equal((await store.profiles.find("shop", [ADA])).length, 1);
  assert.ok(
    (await store.contacts.list("shop", [ADA])).some(({ endpoint }) => endpoint.channel === "email" && endpoint.address === FAMILY.address),
  );
  assert.equal((await store.notifications.find(record.id))?.deliveries[0]?.state, "pending");
  await store.notifications.change([sampleChange(record, 0, { state: "sent", providerRef: "SM731", nextAt: undefined, endedAt: now })]);
  assert.deepEqual([(await erase(store)).complete, (await erase(store)).complete], [true, true]);
  await assertErased(store, others);
});

test("what the user refuses while they are erased is kept", async () => {
  await using world = await withAda();
  const { store } = world;
  const subject = userSubject(ADA);
  const late = choice("email", "ads");
  let [isEarly, isLate] = [false, false];
  const profiles: Store["profiles"] = {
    ...store.profiles,
    async remove(...given) {
      if (!isEarly) await store.preferences.update("shop", subject, changing([late]), now);
      isEarly = true;
      return store.profiles.remove(...given);
    },
  };
  const preferences: Store["preferences"] = {
    ...store.preferences,
    async remove(...given) {
      if (!isLate && given[1] === subject) await store.preferences.update("shop", subject, changing([choice("apns", "ads")]), now);
      isLate ||= given[1] === subject;
      return store.preferences.remove(...given);
    },
  };
  const report = await eraseUser({ ...partsOf(store), store: { ...store, profiles, preferences } }, ASKED, () => true);
  assert.deepEqual([report.complete, await store.preferences.find("shop", [subject])], [true, []]);
  const [kept] = await store.preferences.find("shop", [key.tombstoneOf("shop", subject)]);
  assert.deepEqual(kept?.optOuts, [choice("email", "news"), choice("sms", "*"), late, choice("apns", "ads")]);
  // Given outright, the user's own addresses are refused what the user refused; the shared one is not.
  for (const [endpoint, refused] of [
    [MAIL, [choice("email", "news"), late]],
    [TOKEN, [choice("apns", "ads")]],
    [FAMILY, undefined],
  ] as const) {
    const of = endpointSubject(endpointId(endpoint));
    const [own, restored] = [of, key.tombstoneOf("shop", of)].map((one) => store.preferences.find("shop", [one]));
    assert.deepEqual((await own)?.[0]?.optOuts, refused, of);
    assert.deepEqual((await restored)?.[0]?.optOuts, refused, `the tombstone of ${of}`);
    assert.deepEqual(await store.preferences.history("shop", of, 1e9, 10), []);
  }
});

test("what the user refuses between two calls is refused for addresses whose notifications the first one erased", async () => {
  await using world = await withAda();
  const { store } = world;
  const record = await insert(store, sampleNotification([T0], { recipient: { kind: "user", userId: ADA } }), false);
  await store.attempts.claim([sampleAttempt({ deliveryId: `${record.id}-0`, worker: "dispatcher" })]);
  assert.equal((await erase(store)).complete, false);
  await store.preferences.update("shop", userSubject(ADA), changing([choice("*", "ads")]), now);
  await store.notifications.change([sampleChange(record, 0, { state: "sent", providerRef: "SM731", nextAt: undefined, endedAt: now })]);
  assert.equal((await erase(store)).complete, true);
  for (const endpoint of [MAIL, TOKEN]) {
    const [own] = await store.preferences.find("shop", [endpointSubject(endpointId(endpoint))]);
    assert.ok(
      own?.optOuts.some(({ channel, category }) => channel === endpoint.channel && category === "ads"),
      endpoint.channel,
    );
  }
});

test("an erasure is not complete while the store's files still hold what was deleted", async () => {
  await using world = await withAda();
  const { store } = world;
  const overwritten = [false, true];
  const parts = { ...partsOf(store), store: { ...store, overwriteDeleted: async () => overwritten.shift()! } };
  assert.deepEqual(
    [(await eraseUser(parts, ASKED, () => true)).complete, (await eraseUser(parts, ASKED, () => true)).complete],
    [false, true],
  );
});
