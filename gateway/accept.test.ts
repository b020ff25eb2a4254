import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { openStore } from "../adapters/store/open-store.ts";
import { CONTENT_BOUNDS } from "../core/content/reference.ts";
import { CHANNELS, CLASSES } from "../core/delivery/channel.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import type { Store } from "../core/ports/store.ts";
import { type Notification, NotificationClass } from "../gen/carillon/v1/notification_service.ts";
import { compileValidator } from "../runtime/grpc/validate.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { anyChange, ignoreEvents } from "../test/support/changes.ts";
import { eventually } from "../test/support/eventually.ts";
import { createFakeClock, type FakeClock } from "../test/support/fake-clock.ts";
import { leaseDue } from "../test/support/lease-due.ts";
import { type AcceptResult, createAccept } from "./accept.ts";
import { toAccepted } from "./answer.ts";
import { SEND_AT_PAST_TOLERANCE_MS } from "./check.ts";
import { createLoad, type Load, TRUST_COUNT_MS } from "./load.ts";
import { createGatewayMetrics } from "./metrics.ts";

const app = { id: "app", channels: [...CHANNELS], limits: {}, keys: [], version: 1 };
const check = compileValidator("carillon.v1.Notification");
const log = createLogger("test", "error", { write() {} });
let store: Store;
let clock: FakeClock;
let published: DeliveryTask[];

beforeEach(async (t) => {
  store = await openStore("sqlite::memory:");
  if ("after" in t) t.after(() => store[Symbol.asyncDispose]());
  clock = createFakeClock();
  published = [];
});

const sms = (key: string, over: Partial<Notification> = {}): Notification => ({
  ...{
    idempotencyKey: key,
    recipient: { to: { $case: "endpoint", value: { address: { $case: "phoneNumber", value: "+4915112345678" } } } },
  },
  ...{ channels: [], category: "orders", priority: 0, collapseKey: "" },
  notificationClass: NotificationClass.NOTIFICATION_CLASS_TRANSACTIONAL,
  ...{ content: { push: undefined, sms: { text: "hello" }, email: undefined }, sendAt: undefined, expiresAt: undefined },
  ...over,
});

interface Setting {
  notifications?: Store["notifications"];
  contents?: Store["contents"];
  streamIsUp?: boolean;
  openMax?: number;
  insertsWaitingMax?: number;
}

function setUp({
  notifications = store.notifications,
  contents = store.contents,
  streamIsUp = true,
  openMax = 1_000,
  insertsWaitingMax = 1_000,
}: Setting = {}) {
  const load = createLoad(notifications, openMax, clock, log);
  const accepting = createAccept({
    ...{
      load,
      clock,
      log,
      insertsWaitingMax,
      watchdogFirstMs: 30_000,
      failpoint: () => {},
      pushHosts: [],
      recorder: ignoreEvents,
      store: { ...store, notifications, contents },
    },
    optOuts: { check: async (questions) => questions.map(() => "allowed") },
    publisher: {
      async publish(task) {
        published.push(task);
        return streamIsUp;
      },
    },
    metrics: createGatewayMetrics(createMetrics("test")),
  });
  const send = async (...messages: Notification[]) =>
    accepting.accept(
      app,
      messages.map((message, i) => {
        const path = `notifications[${i}]`;
        return { message, path, violations: check(message).map((v) => ({ ...v, field: `${path}.${v.field}` })) };
      }),
    );
  return { load, accepting, send };
}

const stored = async () => (await store.notifications.count()).notifications;

test("an accepted notification is stored before the answer, and published", async () => {
  const { send, accepting } = setUp();
  const [result] = await send(sms("a"));
  assert.equal(result?.kind, "accepted");
  assert.equal(await stored(), 1);
  await accepting.published();
  assert.deepEqual(
    published.map((t) => [t.attempt, t.publication]),
    [[1, 0]],
  );
});

test("while the stream is unavailable the caller gets the same answer, and the notification stays due", async () => {
  const { send, accepting } = setUp({ streamIsUp: false });
  assert.equal((await send(sms("a")))[0]?.kind, "accepted");
  await accepting.published();
  clock.advance(3_600_000);
  assert.equal((await leaseDue(store.notifications, clock.now(), clock.now() + 1, 10)).length, 1);
});

test("an invalid item does not affect the others, and results keep their order", async () => {
  const { send } = setUp();
  const results = await send(sms("a"), sms("b", { category: "Not Allowed" }), sms("c"));
  assert.deepEqual(
    results.map((r) => r.kind),
    ["accepted", "rejected", "accepted"],
  );
  const broken = results[1];
  assert.ok(broken?.kind === "rejected");
  assert.deepEqual([broken.error.code, broken.error.fields?.[0]?.field], ["INVALID_ARGUMENT", "notifications[1].category"]);
  assert.equal(await stored(), 2);
});

test("the same key gets the same answer even after its times have passed, and another payload is an error", async () => {
  const { send } = setUp();
  const message = sms("a", { sendAt: new Date(clock.now() + 1_000) });
  const [first] = await send(message);
  clock.advance(SEND_AT_PAST_TOLERANCE_MS + 2_000);
  const [again] = await send(message);
  assert.ok(first?.kind === "accepted" && again?.kind === "accepted");
  assert.deepEqual([again.repeatedKey, again.record.id, again.record.acceptedAt], [true, first.record.id, first.record.acceptedAt]);
  const [other] = await send(sms("a"));
  assert.ok(other?.kind === "rejected");
  assert.deepEqual([other.error.code, other.error.reason], ["ALREADY_EXISTS", "KEY_REUSED"]);
});

test("the same key gets the same answer even after a dispatcher with a slower clock suppressed it", async () => {
  const { send } = setUp();
  const [first] = await send(sms("a"));
  assert.ok(first?.kind === "accepted");
  const { id, acceptedAt } = first.record;
  const expect = { attempt: 1, states: ["pending"] as const };
  const set = { state: "suppressed", reason: { code: "opted-out" }, nextAt: undefined, endedAt: acceptedAt } as const;
  await store.notifications.change([anyChange({ notificationId: id, deliveryId: `${id}-0`, expect, set })]);
  const [again] = await send(sms("a"));
  assert.ok(again?.kind === "accepted");
  assert.deepEqual(toAccepted(again.record, false), toAccepted(first.record, false));
});

test("a key twice in one batch is one notification", async () => {
  const { send } = setUp();
  const results = await send(sms("a"), sms("a"));
  assert.deepEqual(
    results.map((r) => r.kind === "accepted" && r.repeatedKey),
    [false, true],
  );
  assert.equal(await stored(), 1);
});

/** Resolves once the load has been measured and `done` holds. */
async function measured(load: Load, done: () => boolean): Promise<void> {
  const stop = new AbortController();
  const measuring = load.run(stop.signal);
  await eventually("the load is measured", done);
  stop.abort();
  await measuring;
}

const errorOf = (result: AcceptResult | undefined) => (result?.kind === "rejected" ? result.error : undefined);

test("overload is rejected before acceptance, with a retry delay", async () => {
  const { send, load } = setUp({ openMax: 1 });
  await send(sms("a"), sms("b"));
  await measured(load, () => load.isFull("critical"));
  const [result] = await send(sms("c"));
  assert.deepEqual([errorOf(result)?.code, errorOf(result)?.reason], ["RESOURCE_EXHAUSTED", "OVERLOADED"]);
  assert.ok((errorOf(result)?.retryAfterMs ?? 0) > 0);
  assert.equal(await stored(), 2);
});

test("overload rejects marketing first, then transactional, critical last", async () => {
  const { send, load } = setUp({ openMax: 10 });
  const classes = { marketing: 3, transactional: 2, critical: 1 } as const;
  const reasons = async () => {
    const results = await send(
      ...Object.entries(classes).map(([name, notificationClass]) => sms(`${name}-${clock.now()}`, { notificationClass })),
    );
    return results.map((result) => errorOf(result)?.reason ?? "accepted");
  };
  await send(...Array.from({ length: 8 }, (_, i) => sms(`a${i}`)));
  await measured(load, () => load.isFull("marketing"));
  assert.deepEqual(await reasons(), ["OVERLOADED", "accepted", "accepted"]);
  await measured(load, () => load.isFull("transactional"));
  clock.advance(1);
  assert.deepEqual(await reasons(), ["OVERLOADED", "OVERLOADED", "accepted"]);
  await measured(load, () => load.isFull("critical"));
  clock.advance(1);
  assert.deepEqual(await reasons(), ["OVERLOADED", "OVERLOADED", "OVERLOADED"]);
});

test("what is scheduled for later is no overload", async () => {
  const { send, load } = setUp({ openMax: 2 });
  const later = new Date(clock.now() + 89 * 86_400_000);
  await send(...Array.from({ length: 30 }, (_, i) => sms(`s${i}`, { sendAt: later, notificationClass: 3 })));
  await measured(load, () => true);
  assert.equal((await send(sms("now", { notificationClass: 3 })))[0]?.kind, "accepted");
});

test("overload counts what a notification costs: endpoints and bytes", async () => {
  const { send, load } = setUp({ openMax: 20 });
  for (let i = 0; i < 100; i++) {
    const token = `${i}`.padEnd(4_000, "x");
    const endpointId = `${i}`.padStart(32, "0");
    await store.contacts.register({
      app: "app",
      userId: "many",
      endpointId,
      endpoint: { channel: "fcm", token },
      registeredAt: clock.now(),
    });
  }
  const [result] = await send(
    sms("heavy", {
      recipient: { to: { $case: "userId", value: "many" } },
      content: { push: { title: "t", body: "b", data: {} }, sms: undefined, email: undefined },
    }),
  );
  assert.ok(result?.kind === "accepted" && result.record.deliveries.length === 100);
  await measured(load, () => load.isFull("critical"));
  assert.equal(errorOf((await send(sms("c")))[0])?.reason, "OVERLOADED");
});

test("a repeated key gets its first answer during overload, also from an app that sends much more", async () => {
  const { send, load } = setUp({ openMax: 1 });
  const [first] = await send(sms("a"), sms("b"));
  await measured(load, () => load.isFull("critical"));
  const [again, other] = await send(sms("a"), sms("new"));
  assert.ok(first?.kind === "accepted" && again?.kind === "accepted" && again.repeatedKey);
  assert.deepEqual(toAccepted(again.record, false), toAccepted(first.record, false));
  assert.equal(errorOf(other)?.reason, "OVERLOADED");
});

test("keys that overload rejects cost a bounded number of reads", async () => {
  let reads = 0;
  const notifications: Store["notifications"] = {
    ...store.notifications,
    find: async (id) => {
      reads++;
      return store.notifications.find(id);
    },
  };
  const { send, load } = setUp({ openMax: 1, notifications });
  await send(sms("a"), sms("b"));
  await measured(load, () => load.isFull("critical"));
  for (let i = 0; i < 5; i++) await send(...Array.from({ length: 100 }, (_, k) => sms(`n${i}-${k}`)));
  assert.equal(reads, 200);
  clock.advance(1_000);
  assert.ok((await send(sms("a")))[0]?.kind === "accepted");
});

test("a count that fails is not trusted for ever", async () => {
  let fails = false;
  const openCount: Store["notifications"]["openCount"] = async (limit, until) => {
    if (fails) throw new Error("away");
    return store.notifications.openCount(limit, until);
  };
  const { send, load } = setUp({ openMax: 1, notifications: { ...store.notifications, openCount } });
  await send(sms("a"), sms("b"));
  await measured(load, () => load.isFull("critical"));
  fails = true;
  clock.advance(TRUST_COUNT_MS);
  assert.ok(load.isFull("critical"));
  clock.advance(1);
  assert.deepEqual(
    CLASSES.map((notificationClass) => load.isFull(notificationClass)),
    [false, false, true],
  );
});

test("items above the bound of waiting inserts are rejected, the others accepted", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const slow = {
    ...store.notifications,
    insert: async (records: Parameters<Store["notifications"]["insert"]>[0]) => gate.then(() => store.notifications.insert(records)),
  };
  const { send } = setUp({ notifications: slow, insertsWaitingMax: 2 });
  const sending = send(...["a", "b", "c", "d"].map((k) => sms(k)));
  setTimeout(open, 20);
  const results = await sending;
  const rejected = results.filter((r) => r.kind === "rejected");
  assert.ok(rejected.length > 0 && rejected.every((r) => r.error.code === "RESOURCE_EXHAUSTED"));
  assert.equal(await stored(), results.length - rejected.length);
});

test("answers UNAVAILABLE, to be repeated, while the store is unavailable", async () => {
  const away = { ...store.notifications, insert: () => Promise.reject(new Error("away")) };
  const [result] = await setUp({ notifications: away }).send(sms("a"));
  assert.ok(result?.kind === "rejected");
  assert.equal(result.error.code, "UNAVAILABLE");
  assert.doesNotMatch(result.error.message, /away$/);
});

test("an item that waited too long for its insert is not stored after the caller's timeout", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let begun = 0;
  const stuck = {
    ...store.notifications,
    insert: async (records: Parameters<Store["notifications"]["insert"]>[0]) => {
      await gates[begun++]?.promise;
      return store.notifications.insert(records);
    },
  };
  const { send } = setUp({ notifications: stuck });
  const first = [send(sms("a"))];
  await eventually("the first insert is under way", () => begun === 1);
  first.push(send(sms("b")));
  await eventually("and the second", () => begun === 2);
  const waiting = send(sms("late"));
  await new Promise(setImmediate);
  await clock.advance(5_001);
  for (const gate of gates) gate.resolve();
  const [late] = await waiting;
  assert.ok(late?.kind === "rejected");
  assert.equal(late.error.code, "UNAVAILABLE");
  assert.deepEqual(
    (await Promise.all(first)).flat().map((r) => r.kind),
    ["accepted", "accepted"],
  );
  assert.equal(await stored(), 2);
  assert.equal((await send(sms("late")))[0]?.kind, "accepted");
});

test("answers UNAVAILABLE for a key that a newer version stored, because it cannot compare the payload", async () => {
  const { send } = setUp();
  const [first] = await send(sms("k"));
  assert.ok(first?.kind === "accepted");
  const insert: Store["notifications"]["insert"] = async () => [
    { kind: "exists", record: { ...first.record, payloadHash: `3:${"0".repeat(64)}` } },
  ];
  const [again] = await setUp({ notifications: { ...store.notifications, insert } }).send(sms("k"));
  assert.ok(again?.kind === "rejected" && again.error.code === "UNAVAILABLE");
});

const mail = (key: string, text: string): Notification =>
  sms(key, {
    recipient: { to: { $case: "endpoint", value: { address: { $case: "emailAddress", value: "ann@example.com" } } } },
    content: { push: undefined, sms: { text: "hello" }, email: { subject: "s", html: "", text } },
  });

test("stores a large part by reference, once for all notifications with the same content", async () => {
  const { send } = setUp();
  const text = "x".repeat(CONTENT_BOUNDS.inlineBytesMax);
  const results = await send(mail("a", text), mail("b", text), mail("small", "x"));
  const records = await Promise.all(results.map((result) => store.notifications.find(result.kind === "accepted" ? result.record.id : "")));
  const [a, b, small] = records;
  assert.deepEqual(small?.content.email?.text, "x");
  assert.equal(small?.contentHashes, undefined);
  for (const record of [a, b]) {
    assert.deepEqual(record?.content, { sms: { text: "hello" } });
    assert.deepEqual(record?.contentHashes, a?.contentHashes);
    assert.ok(JSON.stringify(record).length < 1_500);
  }
  assert.deepEqual(await store.contents.get("app", a!.contentHashes!.email!), { email: { subject: "s", html: "", text } });
  await eventually("three tasks", async () => published.length === 3);
  for (const task of published.filter(({ deliveryId }) => !deliveryId.startsWith(small!.id))) {
    assert.deepEqual([task.content, task.contentHash, task.needs], [{}, a!.contentHashes!.email, ["content-by-reference"]]);
  }
  const { keepMs, keepStepMs } = CONTENT_BOUNDS;
  assert.equal(await store.contents.purge(a!.expiresAt + keepMs, 10), 0);
  assert.equal(await store.contents.purge(a!.expiresAt + keepMs + keepStepMs + 1, 10), 1);
});

test("answers a repeated key with a large content as the first time, and rejects another content under that key", async () => {
  const { send } = setUp();
  const text = "x".repeat(CONTENT_BOUNDS.inlineBytesMax);
  const [first] = await send(mail("k", text));
  const [again, other] = [(await send(mail("k", text)))[0], (await send(mail("k", `${text}y`)))[0]];
  assert.ok(first?.kind === "accepted" && again?.kind === "accepted" && again.repeatedKey);
  assert.deepEqual(toAccepted(again.record, false), toAccepted(first.record, false));
  assert.ok(other?.kind === "rejected" && other.error.reason === "KEY_REUSED");
});

test("stores no notification whose content could not be stored", async () => {
  const contents = { ...store.contents, put: () => Promise.reject(new Error("away")) };
  const [result] = await setUp({ contents }).send(mail("k", "x".repeat(CONTENT_BOUNDS.inlineBytesMax)));
  assert.ok(result?.kind === "rejected" && result.error.code === "UNAVAILABLE");
  assert.equal((await store.notifications.count()).notifications, 0);
});

test("leaves only a content when it is interrupted between the two writes", async () => {
  const insert = () => Promise.reject(new Error("died"));
  await setUp({ notifications: { ...store.notifications, insert } }).send(mail("k", "x".repeat(CONTENT_BOUNDS.inlineBytesMax)));
  assert.equal((await store.notifications.count()).notifications, 0);
  assert.equal(await store.contents.purge(Number.MAX_SAFE_INTEGER, 10), 1);
});
