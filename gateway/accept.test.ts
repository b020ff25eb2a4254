import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { contentToProto } from "../core/content/content.ts";
import { CONTENT_BOUNDS } from "../core/content/reference.ts";
import { toTask } from "../core/delivery/task.ts";
import type { Store } from "../core/ports/store.ts";
import type { Notification } from "../gen/carillon/v1/notification_service.ts";
import {
  type AcceptSetting,
  type AcceptWorld,
  CALLING_APP,
  createAcceptWorld,
  mailMessage as mail,
  smsMessage as sms,
} from "../test/support/accept-world.ts";
import { anyChange } from "../test/support/changes.ts";
import { eventually } from "../test/support/eventually.ts";
import { leaseDue } from "../test/support/lease-due.ts";
import { toAccepted } from "./answer.ts";
import { SEND_AT_PAST_TOLERANCE_MS } from "./check.ts";

let world: AcceptWorld;
let store: AcceptWorld["store"];
let clock: AcceptWorld["clock"];
let published: AcceptWorld["published"];
const setUp = (setting?: AcceptSetting) => world.setUp(setting);
const stored = () => world.storedCount();

beforeEach(async (t) => {
  world = await createAcceptWorld();
  ({ store, clock, published } = world);
  if ("after" in t) t.after(() => store[Symbol.asyncDispose]());
});

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

test("an insert whose answer was lost may have been accepted, which the answer says, and a repeat with the same key is answered as accepted", async () => {
  const { insert } = store.notifications;
  const lost: typeof insert = async (records) => {
    await insert(records);
    throw new Error("lost");
  };
  const [first] = await setUp({ notifications: { ...store.notifications, insert: lost } }).send(sms("a"));
  assert.ok(first?.kind === "rejected");
  assert.deepEqual([first.error.code, await stored()], ["UNAVAILABLE", 1]);
  assert.match(first.error.message, /may have been accepted; repeat with the same idempotency_key/);
  const [second] = await setUp().send(sms("a"));
  assert.ok(second?.kind === "accepted" && second.repeatedKey);
});

test("an item that waited too long for its insert is not stored after the caller's timeout", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let begun = 0;
  const stuck = {
    ...store.notifications,
    inserting: { itemsMax: 64, concurrency: 2 },
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
  // Its reads take a turn each; then it waits for its insert.
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
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
    { kind: "exists", record: { ...first.record, payloadHash: `5:${"0".repeat(64)}` } },
  ];
  const [again] = await setUp({ notifications: { ...store.notifications, insert } }).send(sms("k"));
  assert.ok(again?.kind === "rejected" && again.error.code === "UNAVAILABLE");
});

test("a lifetime of 0 at the provider reaches the task, and is another payload than none", async () => {
  const { send } = setUp();
  await send(sms("k", { ttlSeconds: 0 }));
  await eventually("a task", async () => published.length === 1);
  assert.deepEqual([published[0]!.ttlSeconds, published[0]!.needs], [0, ["ttl"]]);
  const [without] = await send(sms("k"));
  assert.ok(without?.kind === "rejected" && without.error.reason === "KEY_REUSED");
});

test("what is only validated is answered as it would be, stored nowhere and published nowhere", async () => {
  const { accepting, send } = setUp();
  const validate = async (message: Notification) => {
    const [result] = await accepting.accept(CALLING_APP, [{ message, path: "notification", violations: [], validateOnly: true }]);
    return result!;
  };
  const first = await validate(sms("k"));
  assert.ok(first.kind === "accepted" && !first.repeatedKey && first.record.deliveries.length === 1);
  const bad = await validate(sms("k", { content: contentToProto({ sms: { text: " " } }) }));
  assert.deepEqual(bad.kind === "rejected" && bad.error.fields?.map(({ rule }) => rule), ["sms.blank"]);
  await validate(mail("large", "x".repeat(CONTENT_BOUNDS.inlineBytesMax)));
  assert.equal(await stored(), 0);
  assert.equal(await store.contents.purge(Number.MAX_SAFE_INTEGER, 10), 0);
  const [sent] = await send(sms("k"));
  assert.ok(sent?.kind === "accepted" && !sent.repeatedKey, "its key stayed unused");
  const again = await validate(sms("k"));
  assert.ok(again.kind === "accepted" && again.repeatedKey);
  const reused = await validate(sms("k", { category: "other" }));
  assert.ok(reused.kind === "rejected" && reused.error.reason === "KEY_REUSED");
  await accepting.published();
  assert.equal(published.length, 1);
});

test("tasks of an app with accounts of its own need a dispatcher that reads them, also when the relay publishes them", async () => {
  const { sendAs } = setUp();
  const [own] = await sendAs({ ...CALLING_APP, accounts: { sms: "acme" } }, sms("own"));
  const [plain] = await sendAs(CALLING_APP, sms("plain"));
  await eventually("two tasks", async () => published.length === 2);
  const ids = [own, plain].map((result) => (result?.kind === "accepted" ? result.record.id : ""));
  assert.deepEqual(
    ids.map((id) => published.find(({ notificationId }) => notificationId === id)?.needs),
    [["app-accounts"], []],
  );
  const record = await store.notifications.find(ids[0]!);
  assert.deepEqual(toTask(record!, record!.deliveries[0]!).needs, ["app-accounts"]);
});
