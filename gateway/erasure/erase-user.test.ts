import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { endpointId } from "../../adapters/ids.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import type { Store } from "../../core/ports/store.ts";
import { endpointSubject, type OptOut, userSubject } from "../../core/preferences/opt-out.ts";
import { ignoreEvents } from "../../test/support/changes.ts";
import { changing } from "../../test/support/changing.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { hexId, sampleAttempt, sampleChange, sampleNotification, T0 } from "../../test/support/store/samples.ts";
import { type Choices, type EraseUserParts, eraseUser } from "./erase-user.ts";
import { createErasureKey } from "./erasure-key.ts";
import { exportUser } from "./export-user.ts";
import { createTombstones } from "./tombstones.ts";

const SECRET = "k".repeat(32);
const key = createErasureKey(SECRET);
const ADA = "ada-lovelace";
const MAIL = { channel: "email", address: "ada@example.com" } as const;
const FAMILY = { channel: "email", address: "family@example.com" } as const;
const TOKEN = { channel: "apns", token: "ad".repeat(32) } as const;
const ASKED = { app: "shop", userId: ADA, requestedBy: "support, letter 731" };
/** Each names the person, or could. */
const SECRETS = [ADA, MAIL.address, TOKEN.token, "Your code is 731", "SM731", "letter-of-ada", "Europe/London"];

const choice = (channel: OptOut["channel"], category: string): OptOut => ({ channel, category });
const now = T0 + 60_000;
const clock = createFakeClock(now);

/** As the preferences service does it, without Redis. */
const choicesOf = (store: Pick<Store, "preferences">): Choices => ({
  ofUser: async (app, userId, change) => void (await store.preferences.update(app, userSubject(userId), { ...change, origin: {} }, now)),
  ofEndpoint: async (app, endpoint, change) =>
    void (await store.preferences.update(app, endpointSubject(endpointId(endpoint)), { ...change, origin: {} }, now)),
});

const partsOf = (store: Store): EraseUserParts => ({ store, choices: choicesOf(store), key, recorder: ignoreEvents, clock });
const erase = (store: Store, hasTime: () => boolean = () => true) => eraseUser(partsOf(store), ASKED, hasTime);

async function insert(store: Store, record: NotificationRecord, isEnded = true): Promise<NotificationRecord> {
  await store.notifications.insert([record]);
  if (!isEnded) return record;
  await store.attempts.claim([
    sampleAttempt({ deliveryId: `${record.id}-0`, outcome: { kind: "accepted", providerRef: "SM731" }, answeredAt: T0 }),
  ]);
  const end = { state: "sent", providerRef: "SM731", nextAt: undefined, endedAt: T0 + 5 } as const;
  await store.notifications.change([sampleChange(record, 0, end)]);
  return record;
}

/** A user with everything, beside another one who shares a mailbox. */
async function withAda() {
  const store = await openStore("sqlite::memory:");
  const register = (userId: string, endpoint: Endpoint) =>
    store.contacts.register({ app: "shop", userId, endpointId: endpointId(endpoint), endpoint, registeredAt: T0 });
  for (const endpoint of [MAIL, FAMILY, TOKEN]) await register(ADA, endpoint);
  await register("charles", FAMILY);
  await store.profiles.put("shop", ADA, { timeZone: "Europe/London" }, T0);
  const origin = { actor: ADA, source: "phone", evidence: "letter-of-ada" };
  await store.preferences.update("shop", userSubject(ADA), { optOut: [choice("email", "news"), choice("sms", "*")], origin }, T0);
  await store.preferences.update("shop", userSubject(ADA), { consent: [choice("apns", "news")], origin }, T0);
  const reason = `550 no mailbox ${MAIL.address}`;
  const block = [{ kind: "bounce", reason, source: "smtp", at: T0 } as const];
  await store.preferences.update("shop", endpointSubject(endpointId(MAIL)), { block, origin }, T0);
  const recipients = [{ kind: "user", userId: ADA } as const, { kind: "endpoint", endpoint: MAIL } as const];
  const deliveriesOf = (id: string) =>
    sampleNotification([T0], { id }).deliveries.map((d) => ({ ...d, channel: "email" as const, endpoint: MAIL }));
  const notifications: NotificationRecord[] = [];
  for (let i = 0; i < 120; i++) {
    const id = hexId();
    const over = { id, recipient: recipients[i % 2]!, content: { sms: { text: "Your code is 731" } }, idempotencyKey: `${ADA}-${i}` };
    notifications.push(await insert(store, sampleNotification([T0], { ...over, deliveries: deliveriesOf(id) }), i % 10 !== 0));
  }
  const others = [
    await insert(store, sampleNotification([T0], { recipient: { kind: "user", userId: "charles" } })),
    await insert(store, sampleNotification([T0], { recipient: { kind: "endpoint", endpoint: FAMILY } })),
    await insert(store, sampleNotification([T0], { recipient: { kind: "user", userId: ADA }, app: "bank" })),
  ];
  return { store, notifications, others, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

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

test("neither a registration nor an import brings an erased user back as opted in", async () => {
  await using world = await withAda();
  const { store } = world;
  await erase(store);
  const tombstones = createTombstones({ store: store.preferences, choices: choicesOf(store), key, clock });
  const subject = userSubject(ADA);
  const live = async () => (await store.preferences.find("shop", [subject]))[0]?.optOuts ?? [];
  assert.deepEqual(await live(), []);
  await tombstones.restore("shop", ADA);
  const refusals = [choice("email", "news"), choice("sms", "*")];
  assert.deepEqual(await live(), refusals);
  const versionOf = async () => (await store.preferences.find("shop", [subject]))[0]?.version;
  const version = await versionOf();
  await tombstones.restore("shop", ADA);
  assert.equal(await versionOf(), version, "once");
  const check = (of: string, wanted: OptOut[], evidence = "") => tombstones.check("shop", of, wanted, evidence);
  assert.equal((await check(subject, [choice("email", "news")]))?.reason, "ERASED");
  assert.equal((await check(subject, [choice("*", "*")]))?.reason, "ERASED");
  assert.equal(await check(subject, [choice("email", "orders")]), undefined);
  const mailbox = endpointSubject(endpointId(MAIL));
  assert.equal((await check(mailbox, [choice("email", "news")]))?.reason, "ERASED", "the address outright");
  assert.deepEqual((await store.preferences.find("shop", [mailbox]))[0]?.optOuts, [choice("email", "news")]);
  // A new consent, with evidence, counts from then on.
  assert.equal(await check(subject, [choice("email", "news")], "form 12"), undefined);
  assert.equal((await check(subject, [choice("email", "news")]))?.reason, "ERASED", "it is not stored yet");
  await tombstones.settle("shop", subject, [choice("email", "news")]);
  assert.equal(await check(subject, [choice("email", "news")]), undefined);
  assert.equal((await check(subject, [choice("sms", "news")]))?.reason, "ERASED");
  await store.preferences.update("shop", subject, changing([], [choice("email", "news")]), now);
  await tombstones.restore("shop", ADA);
  assert.deepEqual(await live(), [choice("sms", "*")]);
});

test("a narrow consent with evidence leaves a wide refusal of who was erased", async () => {
  await using world = await withAda();
  const { store } = world;
  const subject = userSubject(ADA);
  await store.preferences.update("shop", subject, changing([choice("*", "*")]), now);
  await erase(store);
  const tombstones = createTombstones({ store: store.preferences, choices: choicesOf(store), key, clock });
  const news = choice("email", "news");
  assert.equal(await tombstones.check("shop", subject, [news], "form 12"), undefined);
  await store.preferences.update("shop", subject, { consent: [news], origin: {} }, now);
  await tombstones.settle("shop", subject, [news]);
  for (const registered of [false, true]) {
    if (registered) await tombstones.restore("shop", ADA);
    const [live] = await store.preferences.find("shop", [subject]);
    assert.deepEqual([live?.consents, live?.optOuts], [[news], [choice("sms", "*"), choice("*", "*")]]);
  }
  assert.equal((await tombstones.check("shop", subject, [choice("email", "ads")], ""))?.reason, "ERASED");
});

test("who opted in on the page after they came back stays opted in, until they are erased again", async () => {
  await using world = await withAda();
  const { store } = world;
  const subject = userSubject(ADA);
  const tombstones = createTombstones({ store: store.preferences, choices: choicesOf(store), key, clock });
  const live = async () => (await store.preferences.find("shop", [subject]))[0];
  await erase(store);
  // By a link in an old mail: it is no registration, which still restores the others.
  await store.preferences.update("shop", subject, changing([choice("email", "ads")]), now);
  await tombstones.restore("shop", ADA);
  assert.deepEqual((await live())?.optOuts, [choice("email", "ads"), choice("email", "news"), choice("sms", "*")]);
  await store.preferences.update("shop", subject, changing([], [choice("sms", "*")]), now);
  await store.preferences.update("shop", subject, { consent: [choice("email", "news")], origin: {} }, now);
  await tombstones.restore("shop", ADA);
  assert.deepEqual([(await live())?.optOuts, (await live())?.consents], [[choice("email", "ads")], [choice("email", "news")]]);
  assert.equal((await erase(store)).complete, true);
  await tombstones.restore("shop", ADA);
  assert.ok((await live())?.optOuts.some(({ category }) => category === "ads"));
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

test("an export has everything of the user, with endpoints masked unless they are asked for", async () => {
  await using world = await withAda();
  const { store } = world;
  const hash = hexId() + hexId();
  await store.contents.put([{ app: "shop", hash, content: { email: { subject: "large", html: "", text: "part" } }, keepUntil: now }]);
  await insert(store, sampleNotification([T0], { recipient: { kind: "user", userId: ADA }, contentHashes: { email: hash } }));
  const documents = await Array.fromAsync(exportUser(store, ASKED));
  const counts = Object.entries(Object.groupBy(documents, ({ kind }) => kind)).map(([kind, of]) => [kind, of?.length]);
  assert.deepEqual(Object.fromEntries(counts), {
    ...{ profile: 1, endpoint: 3, preferences: 2, "preference-change": 3, notification: 121, attempt: 109 },
  });
  const text = JSON.stringify(documents.filter(({ kind }) => kind !== "preference-change" && kind !== "preferences"));
  for (const secret of [MAIL.address, TOKEN.token]) assert.equal(text.includes(secret), false, secret);
  for (const shown of ["Your code is 731", "large", "Europe/London"]) assert.ok(text.includes(shown), shown);
  const clear = JSON.stringify(await Array.fromAsync(exportUser(store, ASKED, (endpoint) => endpoint)));
  for (const secret of [MAIL.address, TOKEN.token]) assert.ok(clear.includes(secret), secret);
  assert.equal(clear.includes("charles"), false);
});
