import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { createPreferences, type Preferences } from "../adapters/opt-outs/preferences.ts";
import { openStore } from "../adapters/store/open-store.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import type { AppAccounts } from "../core/apps/accounts.ts";
import type { AppLimits } from "../core/apps/limits.ts";
import type { Store } from "../core/ports/store.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { createFakeClock, type FakeClock } from "../test/support/fake-clock.ts";
import { createInboundTexts, type ReceivedText, TEXT_MS_MAX } from "./inbound-texts.ts";
import { createFeedbackMetrics } from "./metrics.ts";

const PERSON = "+447700900123";
let store: Store;
let clock: FakeClock;
let preferences: Preferences;
let lines: string[];
beforeEach(async () => {
  store = await openStore("sqlite::memory:");
  clock = createFakeClock();
  lines = [];
  const silent = createLogger("test", "silent");
  const { apps, profiles } = store;
  preferences = createPreferences({ store: store.preferences, apps, profiles, redis: undefined, clock, log: silent });
  await app("shop");
  await app("bank", { sms: "bank-eu" });
});
afterEach(async () => {
  await preferences[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});

const app = (id: string, accounts?: AppAccounts, limits: AppLimits = {}) =>
  store.apps.change(id, () => ({ channels: ["sms"], limits, keys: [], ...(accounts ? { accounts } : {}) }));

function texts(over: Partial<Parameters<typeof createInboundTexts>[0]> = {}) {
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const metrics = createFeedbackMetrics(createMetrics("test"));
  return createInboundTexts({ apps: store.apps, preferences, clock, log, metrics, ...over });
}

let ids = 0;
type Over = Partial<ReceivedText> & { id?: string } & Pick<ReceivedText["text"], "part" | "sentAt">;
const received = (text: string, over: Over = {}): ReceivedText => {
  const { id = `SM${ids++}`, part, sentAt, ...rest } = over;
  const to = ["+15005550006"];
  return { provider: "twilio", account: "default", pools: [""], text: { id, from: PERSON, to, text, part, sentAt }, ...rest };
};

/** What a dispatcher is answered about a text to the person. */
async function answer(appId: string, pool?: string, notificationClass: "critical" | "marketing" = "critical") {
  const endpoint = { channel: "sms", phoneNumber: PERSON } as const;
  const question = { app: appId, userId: undefined, endpoint, channel: "sms", category: "c", notificationClass, pool } as const;
  clock.advance(1_000);
  return (await preferences.check([question]))[0];
}

test("STOP blocks the sender in every app that its account serves, for every class, and in no other", async () => {
  await app("late");
  assert.deepEqual(await texts().take(received("Stop!")), { command: "stop", isNew: true });
  for (const id of ["shop", "late"])
    for (const c of ["critical", "marketing"] as const) assert.equal(await answer(id, undefined, c), "stopped");
  assert.equal(await answer("shop", "orders"), "allowed", "another sender of the app");
  assert.equal(await answer("bank"), "allowed", "another account's");
  assert.ok(!lines.join("").includes(PERSON), "no number in the log");
});

test("an account of its own has its own senders", async () => {
  await texts().take(received("stop", { account: "bank-eu", pools: ["orders"] }));
  assert.equal(await answer("bank", "orders"), "stopped");
  assert.equal(await answer("bank"), "allowed");
  assert.equal(await answer("shop", "orders"), "allowed");
});

test("a number of several senders stops each, where the app may send from it", async () => {
  await app("limited", undefined, { smsSenders: ["orders"] });
  await texts().take(received("stop", { pools: ["orders", "news"] }));
  assert.deepEqual([await answer("shop", "orders"), await answer("shop", "news"), await answer("shop")], ["stopped", "stopped", "allowed"]);
  assert.deepEqual([await answer("limited", "orders"), await answer("limited", "news")], ["stopped", "allowed"]);
});

test("a STOP to a sender that nobody knows stops all of the account's", async () => {
  await texts().take(received("stop", { pools: [] }));
  for (const pool of [undefined, "orders", "news"]) assert.equal(await answer("shop", pool), "stopped");
  assert.equal(await answer("bank"), "allowed");
  assert.match(lines.join(""), /does not have/);
});

test("START lifts what the same sender's STOP blocked, and nothing else", async () => {
  const { take } = texts();
  await take(received("stop", { pools: [""] }));
  await take(received("stop", { pools: ["orders"] }));
  assert.deepEqual(await take(received("START", { pools: [""] })), { command: "start", isNew: true });
  assert.equal(await answer("shop"), "allowed");
  assert.equal(await answer("shop", "orders"), "stopped");
});

test("a START that lifted nothing is known by its repetition, which lifts no later STOP", async () => {
  const { take } = texts();
  const start = received("start");
  assert.equal((await take(start)).isNew, true, "it stands in the history");
  await take(received("stop"));
  assert.equal((await take(start)).isNew, false);
  assert.equal(await answer("shop"), "stopped");
});

test("a START that the store did not get lifts no later STOP, where the provider says when it was written", async () => {
  let isAway = true;
  const flaky = { ...preferences, get: async (id: string, subject: string) => (isAway ? undefined : preferences.get(id, subject)) };
  const waits = { ...clock, sleep: async (ms: number) => clock.advance(ms) };
  const { take } = texts({ preferences: flaky, clock: waits });
  const write = (text: string) => {
    clock.advance(60_000);
    return received(text, { sentAt: Math.floor(clock.now() / 1_000) * 1_000 });
  };
  isAway = false;
  await take(write("stop"));
  isAway = true;
  const start = write("start");
  await assert.rejects(take(start), StoreError);
  isAway = false;
  await take(write("stop"));
  await take(start);
  assert.equal(await answer("shop"), "stopped", "also where the first STOP is older than the START");
  await take(write("start"));
  assert.equal(await answer("shop"), "allowed");
});

test("a repetition changes nothing, also where the person has said something else since", async () => {
  const { take } = texts();
  const [stop, start] = [received("stop"), received("start")];
  assert.equal((await take(stop)).isNew, true);
  assert.equal((await take(stop)).isNew, false);
  await take(start);
  await take(received("stop"));
  assert.equal((await take(start)).isNew, false, "an old START");
  assert.equal(await answer("shop"), "stopped");
  await take(received("start"));
  assert.equal((await take(stop)).isNew, false, "an old STOP");
  assert.equal(await answer("shop"), "allowed");
});

test("the history tells who said what, and by which text", async () => {
  await texts().take(received("Please STOP", { id: "SM77" }));
  const subjects: string[] = [];
  for await (const { subject, app: id } of store.preferences.changedSince(0)) if (id === "shop") subjects.push(subject);
  const [entry] = await store.preferences.history("shop", subjects[0]!, Number.MAX_SAFE_INTEGER, 10);
  assert.deepEqual(entry?.origin, { actor: "twilio", source: "inbound-sms", evidence: "SM77 stop" });
  assert.partialDeepStrictEqual(entry?.after.blocks, [{ kind: "stop", pool: "", reason: "stop", source: "twilio" }]);
});

test("the provider's word counts, whatever the text says", async () => {
  const text = { ...received("Basta").text, command: "stop" } as const;
  assert.equal((await texts().take({ ...received("Basta"), text })).command, "stop");
  assert.equal(await answer("shop"), "stopped");
});

test("HELP and other texts change nothing", async () => {
  const { take } = texts();
  assert.deepEqual(await take(received("HELP")), { command: "help", isNew: true });
  assert.deepEqual(await take(received("Thanks for the parcel")), { command: undefined, isNew: false });
  for await (const record of store.preferences.changedSince(0)) assert.fail(record.subject);
});

test("a part of a long text is no command, and a text is whole with its last part", async () => {
  const { take } = texts();
  const part = (index: number, total = 2) => ({ ref: "7", total, index });
  assert.equal((await take(received("stop", { part: part(2) }))).command, undefined);
  assert.equal((await take(received("Please tell me when the rain will ", { part: part(1) }))).command, undefined);
  assert.equal((await take(received("op", { part: { ref: "8", total: 2, index: 2 } }))).command, undefined);
  assert.equal((await take(received("st", { part: { ref: "8", total: 2, index: 1 } }))).command, "stop");
  assert.equal((await take(received("st", { part: { ref: "9", total: 2, index: 1 } }))).command, undefined);
  clock.advance(60_001);
  assert.equal((await take(received("op", { part: { ref: "9", total: 2, index: 2 } }))).command, undefined, "too late");
});

test("a text in parts that could not be stored is whole again with its last part, for a day", async () => {
  let isAway = true;
  const flaky = { ...preferences, get: async (id: string, subject: string) => (isAway ? undefined : preferences.get(id, subject)) };
  const { take } = texts({ preferences: flaky, clock: { ...clock, sleep: async (ms: number) => clock.advance(ms) } });
  const part = (index: number) => ({ ref: "7", total: 2, index });
  const [first, last] = [received("st", { id: "B", part: part(1) }), received("op", { id: "A", part: part(2) })];
  await take(first);
  await assert.rejects(take(last), StoreError);
  isAway = false;
  clock.advance(3_600_000);
  assert.deepEqual(await take(last), { command: "stop", isNew: true });
  assert.equal(await answer("shop"), "stopped");
  await take(received("start"));
  await take(last);
  assert.deepEqual(await take(first), { command: "stop", isNew: false }, "the same text, whichever part came last");
  assert.equal(await answer("shop"), "allowed");
});

test("another text with the reference of one that waits is another text", async () => {
  const { take } = texts();
  const part = (index: number) => ({ ref: "7", total: 2, index });
  await take(received("st", { part: part(1) }));
  await take(received("When is the next ", { part: part(1) }));
  assert.equal((await take(received("stop", { part: part(2) }))).command, undefined);
});

test("while the store is unavailable a STOP is tried again, and given back in time", async () => {
  let fails = 2;
  const flaky = { ...preferences, get: async (id: string, subject: string) => (fails-- > 0 ? undefined : preferences.get(id, subject)) };
  const waits = { ...clock, sleep: async (ms: number) => clock.advance(ms) };
  assert.equal((await texts({ preferences: flaky, clock: waits }).take(received("stop"))).isNew, true);
  assert.equal(await answer("shop"), "stopped");
  const began = clock.monotonic();
  const away = { ...preferences, get: async () => undefined };
  await assert.rejects(texts({ preferences: away, clock: waits }).take(received("stop")), StoreError);
  assert.ok(clock.monotonic() - began <= TEXT_MS_MAX);
});
