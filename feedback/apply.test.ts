import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { createEventRecorder } from "../adapters/event-recorder.ts";
import { openStore } from "../adapters/store/open-store.ts";
import type { Outcome } from "../core/delivery/outcome.ts";
import type { Receipt } from "../core/delivery/receipt.ts";
import { attemptId } from "../core/ports/attempt-store.ts";
import type { Store } from "../core/ports/store.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { anyChange } from "../test/support/changes.ts";
import { createFakeClock, type FakeClock } from "../test/support/fake-clock.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { createReceipts } from "./apply.ts";
import { createFeedbackMetrics } from "./metrics.ts";

let store: Store;
let clock: FakeClock;
let deliveryId: string;
beforeEach(async () => {
  store = await openStore("sqlite::memory:");
  clock = createFakeClock();
  const n = sampleNotification("one", clock.now());
  await store.notifications.insert([n]);
  deliveryId = n.deliveries[0]!.id;
});
afterEach(() => store[Symbol.asyncDispose]());

const receipts = (over: Pick<Store, "attempts" | "notifications"> = store, metrics = createMetrics("test")) =>
  createReceipts({
    recorder: createEventRecorder({ metrics, log: createLogger("test", "silent", { write() {} }) }),
    ...{ store: over, clock, worker: "feedback", failpoint: () => {} },
    log: createLogger("test", "silent", { write() {} }),
    metrics: createFeedbackMetrics(metrics),
    learn: async () => assert.fail("none of these receipts says anything of the recipient"),
  });
const receipt = (kind: Receipt["kind"], number = 1): Receipt => ({
  ...{ attemptId: attemptId(deliveryId, number), provider: "twilio", kind, providerRef: "SM1", at: clock.now() },
});
async function claim(number = 1, provider = "twilio"): Promise<boolean> {
  const id = attemptId(deliveryId, number);
  const times = { startedAt: clock.now(), deadlineAt: clock.now() + 15_000 };
  return (await store.attempts.claim([{ id, deliveryId, number, worker: "w", provider, ...times }]))[0]!;
}
const answered = (outcome: Outcome) =>
  store.attempts.record([{ id: attemptId(deliveryId, 1), worker: "w", outcome, answeredAt: clock.now() }]);
const delivery = async () => (await store.notifications.find(deliveryId.slice(0, 32)))!.deliveries[0]!;
const attempt = async () => (await store.attempts.find([attemptId(deliveryId, 1)]))[0]!;

test("a receipt that comes before the answer ends the delivery, and the attempt knows by what", async () => {
  await claim();
  assert.deepEqual(await receipts().apply([receipt("accepted")]), ["applied"]);
  assert.deepEqual([(await delivery()).state, (await delivery()).providerRef], ["sent", "SM1"]);
  assert.equal((await attempt()).resolution?.by, "receipt");
  await answered({ kind: "accepted", providerRef: "SM1" });
  assert.equal((await attempt()).outcome?.kind, "accepted");
});

test("receipts are idempotent and order-independent", async () => {
  await claim();
  await answered({ kind: "unanswered", fault: { code: "reset" } });
  assert.deepEqual(await receipts().apply([receipt("delivered"), receipt("accepted"), receipt("delivered")]), [
    "applied",
    "known",
    "known",
  ]);
  assert.equal((await delivery()).state, "delivered");
});

test("a receipt of an unknown attempt, or of another provider's, changes nothing", async () => {
  assert.deepEqual(await receipts().apply([receipt("delivered")]), ["unknown"]);
  await claim(1, "vonage");
  assert.deepEqual(await receipts().apply([receipt("delivered")]), ["unknown"]);
  assert.deepEqual([(await delivery()).state, (await attempt()).resolution], ["pending", undefined]);
});

test("a receipt by one account's webhook changes nothing of another account's attempt", async () => {
  const acme: Receipt = { ...receipt("delivered"), account: "acme" };
  await claim();
  assert.deepEqual(await receipts().apply([acme]), ["unknown"]);
  assert.deepEqual([(await delivery()).state, (await attempt()).resolution], ["pending", undefined]);
  assert.deepEqual(
    await receipts().apply([{ ...acme, account: "default" }]),
    ["applied"],
    "an attempt that names none is of the default one",
  );
});

test("a planned retry is not sent once the earlier attempt is known to have been accepted", async () => {
  await claim();
  await answered({ kind: "unanswered", fault: { code: "reset" } });
  const expect = { attempt: 1, states: ["pending"] as const };
  const set = { state: "pending", attempt: 2, policyResend: true, nextAt: clock.now() } as const;
  await store.notifications.change([anyChange({ notificationId: deliveryId.slice(0, 32), deliveryId, expect, set })]);
  assert.deepEqual(await receipts().apply([receipt("accepted")]), ["applied"]);
  assert.equal((await delivery()).state, "sent");
  assert.equal(await claim(2), false, "its number is closed");
});

test("a retry in progress is left to its own outcome", async () => {
  await claim();
  const expect = { attempt: 1, states: ["pending"] as const };
  const set = { state: "pending", attempt: 2, policyResend: true, nextAt: clock.now() } as const;
  await store.notifications.change([anyChange({ notificationId: deliveryId.slice(0, 32), deliveryId, expect, set })]);
  await claim(2);
  assert.deepEqual(await receipts().apply([receipt("accepted")]), ["known"]);
  assert.deepEqual([(await delivery()).state, (await delivery()).attempt], ["pending", 2]);
});

test("a receipt is not lost where the delivery moves on while it is applied", async () => {
  for (const moved of [
    { state: "failed", reason: { code: "outcome-unknown" }, nextAt: undefined, endedAt: clock.now() },
    { state: "pending", attempt: 2, policyResend: true, nextAt: clock.now() },
  ] as const) {
    const n = sampleNotification(`moves to ${moved.state}`, clock.now());
    await store.notifications.insert([n]);
    deliveryId = n.deliveries[0]!.id;
    await claim();
    await answered({ kind: "unanswered", fault: { code: "reset" } });
    const expect = { attempt: 1, states: ["pending", "uncertain"] as const };
    const about = { notificationId: n.id, deliveryId, expect };
    await store.notifications.change([anyChange({ ...about, set: { state: "uncertain", uncertainSince: clock.now() } })]);
    // The relay applies the policy between the reading and the writing.
    const change: Store["notifications"]["change"] = async (changes) => {
      await store.notifications.change([anyChange({ ...about, set: moved })]);
      return store.notifications.change(changes);
    };
    const racing = { attempts: store.attempts, notifications: { ...store.notifications, change } };
    assert.deepEqual(await receipts(racing).apply([receipt("delivered")]), ["applied"]);
    assert.equal((await delivery()).state, "delivered");
  }
});

test("a correction counts once, as the end it brings; a repeated receipt counts as nothing", async () => {
  await claim();
  const expect = { attempt: 1, states: ["pending"] as const };
  const set = { state: "failed", reason: { code: "outcome-unknown" }, nextAt: undefined, endedAt: clock.now() } as const;
  await store.notifications.change([anyChange({ notificationId: deliveryId.slice(0, 32), deliveryId, expect, set })]);
  const metrics = createMetrics("test");
  const { apply } = receipts(store, metrics);
  await apply([receipt("accepted"), receipt("accepted")]);
  await apply([{ ...receipt("undelivered"), reason: "30003" }]);
  const ends = await metrics.registry.getSingleMetric("carillon_deliveries_ended_total")!.get();
  assert.deepEqual(
    ends.values.map(({ labels, value }) => [labels.channel, labels.state, labels.reason, value]),
    [
      ["sms", "sent", "none", 1],
      ["sms", "failed", "undelivered", 1],
    ],
  );
});
