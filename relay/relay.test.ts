import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { openStore } from "../adapters/store/open-store.ts";
import { CLASSES } from "../core/delivery/channel.ts";
import { STATUS_QUERY_FIRST_MS, UNCERTAIN_WAIT_MS } from "../core/delivery/decide.ts";
import type { DeliveryEvent } from "../core/delivery/event.ts";
import { IN_DOUBT_REPEATS } from "../core/delivery/in-doubt.ts";
import type { Delivery, NotificationRecord } from "../core/delivery/notification.ts";
import type { Outcome } from "../core/delivery/outcome.ts";
import { SUPERSEDED } from "../core/delivery/superseded.ts";
import { WATCHDOG_FIRST_MS, watchdogMs } from "../core/delivery/watchdog.ts";
import { type AttemptRecord, attemptId } from "../core/ports/attempt-store.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import type { Store } from "../core/ports/store.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { anyChange } from "../test/support/changes.ts";
import { createFakeClock, type FakeClock } from "../test/support/fake-clock.ts";
import { noShares } from "../test/support/no-shares.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { CLOCK_SKEW_MS } from "./evaluate.ts";
import { createRelayMetrics } from "./metrics.ts";
import type { Outbox } from "./outbox.ts";
import { createRelay, type RelayParts } from "./relay.ts";

/** Until a provider that indexes late can be asked, in ms. */
const SLOW_MS = 60_000;

let store: Store;
let clock: FakeClock;
let published: DeliveryTask[];
let streamIsUp: boolean;
let events: DeliveryEvent[];
let parts: RelayParts;
let relay: Outbox;

beforeEach(async (t) => {
  store = await openStore("sqlite::memory:");
  if ("after" in t) t.after(() => store[Symbol.asyncDispose]());
  clock = createFakeClock();
  published = [];
  events = [];
  streamIsUp = true;
  parts = {
    ...{ store, clock, worker: "relay", pollMs: 1, random: () => 0 },
    ...{
      uncertainWaitMs: UNCERTAIN_WAIT_MS,
      inDoubtRepeats: IN_DOUBT_REPEATS,
      confirmationOf: () => ({ statusQueryTellsMs: undefined, sendsReceipts: true }),
      statusQueryFirstMs: (provider: string) => (provider === "silent" ? undefined : provider === "slow" ? SLOW_MS : STATUS_QUERY_FIRST_MS),
      watchdogFirstMs: WATCHDOG_FIRST_MS,
      failpoint: () => {},
    },
    queue: { waitingSince: async () => Number.POSITIVE_INFINITY },
    shares: noShares,
    recorder: { record: (all) => void events.push(...all) },
    publisher: {
      async publish(task) {
        if (streamIsUp) published.push(task);
        return streamIsUp;
      },
    },
    log: createLogger("test", "error", { write() {} }),
    metrics: createRelayMetrics(createMetrics("test")),
  };
  relay = createRelay(parts);
});

async function accept(over: Partial<NotificationRecord> = {}, delivery: Partial<Delivery> = {}): Promise<string> {
  const n = sampleNotification("one", clock.now(), over);
  await store.notifications.insert([{ ...n, deliveries: n.deliveries.map((d) => ({ ...d, ...delivery })) }]);
  return n.id;
}

const claim = (id: string, over: Partial<AttemptRecord> = {}, number = 1): Promise<boolean[]> => {
  const deliveryId = `${id}-0`;
  const base = {
    id: attemptId(deliveryId, number),
    deliveryId,
    number,
    worker: "w",
    provider: "p",
    startedAt: clock.now(),
    deadlineAt: clock.now() + 15_000,
  };
  return store.attempts.claim([{ ...base, ...over }]);
};
const delivery = async (id: string) => (await store.notifications.find(id))!.deliveries[0]!;
const accepted: Outcome = { kind: "accepted", providerRef: "r" };
const unanswered: Outcome = { kind: "unanswered", fault: { code: "reset" } };

test("publishes what is due, once, and not what is not", async () => {
  await accept({}, { nextAt: clock.now() + 5_000 });
  await relay.iterate();
  assert.equal(published.length, 0);
  clock.advance(5_000);
  await relay.iterate();
  await relay.iterate();
  assert.deepEqual(
    published.map((t) => [t.attempt, t.publication]),
    [[1, 0]],
  );
});

test("publishes a task without effect again, later each time, as another copy", async () => {
  await accept({ expiresAt: clock.now() + 86_400_000 });
  for (let publication = 0; publication < 4; publication++) {
    await relay.iterate();
    assert.equal(published.length, publication + 1);
    assert.equal(published.at(-1)?.publication, publication);
    clock.advance(watchdogMs(publication) - 1);
    assert.equal((await relay.iterate()).leased, 0);
    clock.advance(1);
  }
});

test("keeps a task that the stream did not confirm, and publishes the same copy once the stream is available", async () => {
  await accept();
  streamIsUp = false;
  assert.deepEqual(await relay.iterate(), { leased: 1, stuck: true });
  clock.advance(2_000);
  streamIsUp = true;
  await relay.iterate();
  assert.deepEqual(
    published.map((t) => t.publication),
    [0],
  );
});

test("ends a delivery that was not claimed in time as expired, and voids its number so that no copy sends it later", async () => {
  const id = await accept({ expiresAt: clock.now() + 10 });
  clock.advance(10);
  await relay.iterate();
  await relay.iterate();
  assert.equal((await delivery(id)).state, "expired");
  assert.deepEqual(await claim(id), [false]);
  assert.equal(published.length, 0);
});

test("does not end a claimed attempt as expired: its outcome decides", async () => {
  const id = await accept({ expiresAt: clock.now() + 10 });
  await claim(id);
  clock.advance(10);
  await relay.iterate();
  assert.equal((await delivery(id)).state, "pending");
});

test("finishes a delivery whose worker died after recording the outcome", async () => {
  const id = await accept();
  await claim(id);
  await store.attempts.record([{ id: attemptId(`${id}-0`, 1), worker: "w", outcome: accepted, answeredAt: clock.now() }]);
  await relay.iterate();
  assert.deepEqual([(await delivery(id)).state, (await delivery(id)).nextAt], ["sent", undefined]);
  const closed = await accept({
    id: "f".repeat(32),
    idempotencyKey: "two",
    deliveries: sampleNotification("two", clock.now()).deliveries.map((d) => ({ ...d, id: `${"f".repeat(32)}-0` })),
  });
  await claim(closed, { outcome: { kind: "void", state: "suppressed", reason: { code: "opted-out" } } });
  await relay.iterate();
  assert.deepEqual([(await delivery(closed)).state, (await delivery(closed)).reason], ["suppressed", { code: "opted-out" }]);
});

test("waits for a worker's deadline and the clock skew, then declares the outcome unknown", async () => {
  const id = await accept();
  await claim(id, { deadlineAt: clock.now() + 15_000 });
  await relay.iterate();
  clock.advance(15_000 + CLOCK_SKEW_MS - 1);
  await relay.iterate();
  assert.equal((await delivery(id)).state, "pending");
  clock.advance(1);
  await relay.iterate();
  await relay.iterate();
  assert.equal((await delivery(id)).state, "uncertain");
  assert.equal(published.length, 0);
});

for (const notificationClass of CLASSES) {
  test(`an unknown outcome of class ${notificationClass} is queried until its policy decides`, async () => {
    const id = await accept({ notificationClass });
    await claim(id, { deadlineAt: clock.now() - CLOCK_SKEW_MS });
    for (let i = 0; i < 2; i++) await relay.iterate();
    const uncertain = await delivery(id);
    assert.deepEqual([uncertain.state, uncertain.uncertainSince], ["uncertain", clock.now()]);
    const until = clock.now() + UNCERTAIN_WAIT_MS[notificationClass];
    for (;;) {
      const { nextAt } = await delivery(id);
      assert.ok(nextAt !== undefined && nextAt <= until, "it is due again when the policy decides, at the latest");
      clock.advance(nextAt - clock.now());
      if (nextAt === until) break;
      await relay.iterate();
    }
    assert.equal((await delivery(id)).state, "uncertain");
    const asked = published.splice(0);
    assert.ok(asked.length >= 2 && asked.length <= 10, `asked ${asked.length} times`);
    assert.ok(asked.every((t) => t.statusQuery && t.attempt === 1));
    assert.equal(new Set(asked.map((t) => t.publication)).size, asked.length, "copies of one question are no duplicates of each other");
    for (let i = 0; i < 2; i++) await relay.iterate();
    const d = await delivery(id);
    if (notificationClass !== "critical") {
      assert.deepEqual([d.state, d.reason, published.length], ["failed", { code: "outcome-unknown" }, 0]);
      return;
    }
    assert.deepEqual(
      published.map((t) => [t.attempt, t.policyResend, t.statusQuery]),
      [[2, true, false]],
    );
    // The repetition's outcome stays unknown as well: there is no third.
    await claim(id, { deadlineAt: clock.now() - CLOCK_SKEW_MS, policyResend: true }, 2);
    for (let i = 0; i < 20; i++) {
      clock.advance(UNCERTAIN_WAIT_MS.transactional / 10);
      await relay.iterate();
    }
    assert.deepEqual([(await delivery(id)).state, published.filter((t) => !t.statusQuery).length], ["failed", 1]);
  });
}

test("a provider that can be asked only later is first queried then, and no later than the policy decides", async () => {
  const id = await accept();
  await claim(id, { provider: "slow", deadlineAt: clock.now() - CLOCK_SKEW_MS });
  for (let i = 0; i < 2; i++) await relay.iterate();
  clock.advance(STATUS_QUERY_FIRST_MS);
  await relay.iterate();
  const { nextAt, uncertainSince } = await delivery(id);
  assert.deepEqual([nextAt, published.length], [uncertainSince! + SLOW_MS, 0]);
  clock.advance(nextAt! - clock.now());
  await relay.iterate();
  assert.deepEqual(
    published.map((t) => t.statusQuery),
    [true],
  );
});

test("an unknown outcome at a provider that cannot be asked makes no status-query tasks, whatever its channel", async () => {
  const id = await accept();
  await claim(id, { provider: "silent", deadlineAt: clock.now() - CLOCK_SKEW_MS });
  for (let i = 0; i < 2; i++) await relay.iterate();
  clock.advance(STATUS_QUERY_FIRST_MS);
  await relay.iterate();
  const { state, nextAt, uncertainSince } = await delivery(id);
  assert.deepEqual([state, nextAt], ["uncertain", uncertainSince! + UNCERTAIN_WAIT_MS.transactional]);
  assert.equal(published.length, 0);
});

for (const by of ["receipt", "status-query"] as const) {
  test(`what a ${by} resolved is finished where its writer died before changing the delivery`, async () => {
    const id = await accept();
    await claim(id, { deadlineAt: clock.now() - CLOCK_SKEW_MS });
    await store.attempts.resolve([{ id: attemptId(`${id}-0`, 1), resolution: { outcome: accepted, by, at: clock.now() } }]);
    await relay.iterate();
    assert.equal((await delivery(id)).state, "sent");
  });
}

test("keeps the due time that a worker set with an unknown outcome during the evaluation", async () => {
  const id = await accept();
  const unanswered = { kind: "unanswered", fault: { code: "deadline" } } as const;
  for (const deadlineAt of [clock.now() - CLOCK_SKEW_MS, clock.now() + 15_000]) {
    const number = (await delivery(id)).attempt;
    await claim(id, { deadlineAt }, number);
    // The worker's own answer arrives between the relay's reading and its writing.
    const meanwhile = async () => {
      const nextAt = clock.now() + UNCERTAIN_WAIT_MS.transactional;
      await store.attempts.record([{ id: attemptId(`${id}-0`, number), worker: "w", outcome: unanswered, answeredAt: clock.now() }]);
      const change = { notificationId: id, deliveryId: `${id}-0`, expect: { attempt: number, states: ["pending"] as const } };
      await store.notifications.change([anyChange({ ...change, set: { state: "uncertain", nextAt } })]);
      return nextAt;
    };
    let nextAt = 0;
    const find = async (ids: readonly string[]) => {
      const found = await store.attempts.find(ids);
      nextAt = await meanwhile();
      return found;
    };
    const racing = createRelay({ ...parts, store: { ...store, attempts: { ...store.attempts, find } } });
    await racing.iterate();
    assert.deepEqual([(await delivery(id)).state, (await delivery(id)).nextAt], ["uncertain", nextAt]);
    const expect = { attempt: number, states: ["uncertain"] as const };
    const set = { state: "pending", attempt: number + 1, nextAt: clock.now() } as const;
    await store.notifications.change([anyChange({ notificationId: id, deliveryId: `${id}-0`, expect, set })]);
  }
});

test("an answer that is recorded late ends an uncertain delivery", async () => {
  const id = await accept();
  await claim(id, { deadlineAt: clock.now() - CLOCK_SKEW_MS, outcome: accepted, answeredAt: clock.now() });
  const change = {
    notificationId: id,
    deliveryId: `${id}-0`,
    expect: { attempt: 1, states: ["pending"] as const },
    set: { state: "uncertain" as const, nextAt: clock.now() },
  };
  await store.notifications.change([anyChange(change)]);
  await relay.iterate();
  assert.equal((await delivery(id)).state, "sent");
});

test("an unknown outcome stored without uncertainSince by an earlier version is given up, too", async () => {
  const id = await accept({}, { state: "uncertain", nextAt: clock.now() });
  await claim(id, { outcome: { kind: "unanswered", fault: { code: "reset" } }, answeredAt: clock.now() });
  for (let turns = 0; turns < 500 && (await delivery(id)).state === "uncertain"; turns++) {
    clock.advance(2_000);
    await relay.iterate();
  }
  assert.deepEqual([(await delivery(id)).state, (await delivery(id)).reason], ["failed", { code: "outcome-unknown" }]);
});

test("a delivery whose first attempt proves accepted while the retry is in progress ends as sent", async () => {
  const closed = { kind: "void", state: "expired", reason: { code: "expired" } } as const;
  for (const [i, outcome] of [unanswered, { kind: "rejected", reason: "no" } as const, closed, SUPERSEDED, undefined].entries()) {
    const over = { id: `${i}`.padStart(32, "a") };
    const id = await accept(over, { id: `${over.id}-0`, attempt: 2, policyResend: true, nextAt: clock.now() });
    await claim(id, { outcome: unanswered });
    if (outcome) await claim(id, { outcome, policyResend: true }, 2);
    const resolution = { outcome: accepted, by: "receipt", at: clock.now() } as const;
    await store.attempts.resolve([{ id: attemptId(`${id}-0`, 1), resolution }]);
    for (let turns = 0; turns < 2; turns++) {
      clock.advance(1);
      await relay.iterate();
    }
    const { state, providerRef } = await delivery(id);
    // By it a later receipt is known to be about what took the repetition's place.
    assert.deepEqual([state, providerRef], ["sent", "r"], outcome?.kind ?? "not claimed");
  }
  assert.equal(published.length, 0);
});

test("an app's tasks beyond its share of the queue stay due, are not leased again and again, and are published as room comes", async () => {
  let room = 3;
  const shares: RelayParts["shares"] = {
    room: async ({ app }) => (app === "app" ? room : Number.POSITIVE_INFINITY),
    take: ({ app }) => app !== "app" || room-- > 0,
  };
  let leases = 0;
  const notifications = {
    ...store.notifications,
    async leaseDue(...given: Parameters<Store["notifications"]["leaseDue"]>) {
      const leased = await store.notifications.leaseDue(...given);
      leases += leased.length;
      return leased;
    },
  };
  const holding = createRelay({ ...parts, store: { ...store, notifications }, shares });
  const campaign = Array.from({ length: 10 }, (_, i) => sampleNotification(`campaign-${i}`, clock.now() - 60_000));
  await store.notifications.insert([...campaign, sampleNotification("other", clock.now(), { app: "other" })]);
  const publishedOf = (app: string) => published.filter((task) => task.app === app).length;

  await holding.iterate();
  assert.deepEqual([publishedOf("app"), publishedOf("other")], [3, 1]);
  for (let times = 0; times < 50; times++) {
    clock.advance(50);
    assert.equal((await holding.iterate()).leased, 0);
  }
  assert.equal(leases, 4, "what has no room costs no lease");
  room = 100;
  await holding.iterate();
  assert.equal(publishedOf("app"), 10);
});

test("what expires while its app has its share of the queue still ends", async () => {
  const id = await accept({ expiresAt: clock.now() + 5_000 });
  const holding = createRelay({ ...parts, shares: { room: async () => 0, take: () => false } });
  await holding.iterate();
  clock.advance(5_001);
  await holding.iterate();
  clock.advance(20_000);
  await holding.iterate();
  assert.equal((await store.notifications.find(id))?.deliveries[0]?.state, "expired");
  assert.equal(published.length, 0);
});

test("a delivery leased with another one waits where its own queue has no room, and is published later", async () => {
  const n = sampleNotification("two", clock.now());
  const other = { ...n.deliveries[0]!, id: `${n.id}-1`, channel: "fcm", endpoint: { channel: "fcm", token: "t" } } as const;
  await store.notifications.insert([
    { ...n, content: { ...n.content, push: { title: "t", body: "b", data: {} } }, deliveries: [...n.deliveries, other] },
  ]);
  let fcm = 0;
  const room = (channel: string) => (channel === "fcm" ? fcm : 1);
  const holding = createRelay({
    ...parts,
    shares: { room: async ({ channel }) => room(channel), take: ({ channel }) => room(channel) > 0 },
  });
  await holding.iterate();
  assert.deepEqual(
    published.map(({ channel }) => channel),
    ["sms"],
  );
  clock.advance(2_000);
  await holding.iterate();
  assert.equal(published.length, 1);
  fcm = 1;
  await holding.iterate();
  assert.deepEqual(
    published.map(({ channel }) => channel),
    ["sms", "fcm"],
  );
});
