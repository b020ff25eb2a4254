import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { openStore } from "../adapters/store/open-store.ts";
import { UNCERTAIN_WAIT_MS } from "../core/delivery/decide.ts";
import { IN_DOUBT_REPEATS } from "../core/delivery/in-doubt.ts";
import type { Delivery, NotificationRecord } from "../core/delivery/notification.ts";
import { reason } from "../core/delivery/reason.ts";
import { toTask } from "../core/delivery/task.ts";
import { handedBack } from "../core/delivery/transitions.ts";
import { WATCHDOG_FIRST_MS } from "../core/delivery/watchdog.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import type { Store } from "../core/ports/store.ts";
import { createPublishing } from "../gateway/publishing.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { ignoreEvents } from "../test/support/changes.ts";
import { createFakeClock, type FakeClock } from "../test/support/fake-clock.ts";
import { noShares } from "../test/support/no-shares.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { createRelayMetrics } from "./metrics.ts";
import { createRelay, type RelayParts } from "./relay.ts";

/** How long a dispatcher has the delivery wait, in ms. */
const CIRCUIT_MS = 300_000;

let store: Store;
let clock: FakeClock;
let n: NotificationRecord;

beforeEach(async (t) => {
  store = await openStore("sqlite::memory:");
  if ("after" in t) t.after(() => store[Symbol.asyncDispose]());
  clock = createFakeClock();
});

async function accept(delivery: Partial<Delivery>): Promise<void> {
  const sample = sampleNotification("one", clock.now());
  n = { ...sample, deliveries: sample.deliveries.map((d) => ({ ...d, ...delivery })) };
  await store.notifications.insert([n]);
}
const delivery = async () => (await store.notifications.find(n.id))!.deliveries[0]!;

/** What a dispatcher does with a copy while the account's circuit is open. */
async function handBack(publication: number): Promise<void> {
  const task = { ...toTask(n, n.deliveries[0]!), publication };
  const { change } = handedBack(task, { nextAt: clock.now() + CIRCUIT_MS, reason: reason("unavailable", "circuit open") });
  assert.deepEqual(await store.notifications.change([change]), [true]);
}

/** The wait stands, and then the next copy is published under a number of its own. */
async function assertWaits(relay: ReturnType<typeof createRelay>, published: DeliveryTask[], nextPublication: number): Promise<void> {
  const { nextAt, publishedAt, publishCount } = await delivery();
  assert.deepEqual([nextAt! - clock.now(), publishedAt, publishCount], [CIRCUIT_MS, 0, nextPublication]);
  published.length = 0;
  clock.advance(CIRCUIT_MS - 1);
  await relay.iterate();
  assert.equal(published.length, 0);
  clock.advance(1);
  await relay.iterate();
  assert.deepEqual(
    published.map(({ publication }) => publication),
    [nextPublication],
  );
}

interface Race {
  /** Between the relay's reading and its writing. */
  meanwhile?: () => Promise<void>;
  publish?: (task: DeliveryTask) => Promise<boolean>;
  waitingSince?: number;
  hasRoom?: boolean;
}

function setUp({ meanwhile, publish, waitingSince = Number.POSITIVE_INFINITY, hasRoom = true }: Race = {}) {
  const published: DeliveryTask[] = [];
  const find: Store["attempts"]["find"] = async (ids) => {
    const found = await store.attempts.find(ids);
    await meanwhile?.();
    return found;
  };
  const parts: RelayParts = {
    ...{ store: { ...store, attempts: { ...store.attempts, find } }, clock, worker: "relay", pollMs: 1, random: () => 0 },
    ...{ uncertainWaitMs: UNCERTAIN_WAIT_MS, inDoubtRepeats: IN_DOUBT_REPEATS, watchdogFirstMs: WATCHDOG_FIRST_MS },
    ...{ confirmationOf: () => ({ statusQueryTellsMs: undefined, sendsReceipts: true }), statusQueryFirstMs: () => undefined },
    ...{ failpoint: () => {}, recorder: ignoreEvents, shares: hasRoom ? noShares : { ...noShares, take: () => false } },
    queue: { waitingSince: async () => waitingSince },
    publisher: {
      async publish(task) {
        published.push(task);
        return (await publish?.(task)) ?? true;
      },
    },
    log: createLogger("test", "error", { write() {} }),
    metrics: createRelayMetrics(createMetrics("test")),
  };
  return { relay: createRelay(parts), published };
}

test("a task that is handed back while the relay takes it for queued keeps its due time", async () => {
  await accept({ publishCount: 1, publishedAt: clock.now() });
  await setUp({ waitingSince: clock.now() - 60_000, meanwhile: () => handBack(0) }).relay.iterate();
  const { relay, published } = setUp();
  await assertWaits(relay, published, 1);
});

test("a task that is handed back while its app has no room in the queue keeps its due time", async () => {
  await accept({ publishCount: 1, publishedAt: clock.now() });
  await setUp({ hasRoom: false, meanwhile: () => handBack(0) }).relay.iterate();
  const { relay, published } = setUp();
  await assertWaits(relay, published, 1);
});

for (const publishCount of [0, 1])
  test(`a copy that was published ${publishCount} times before and is handed back although the queue's answer was lost waits, and its number is used up`, async () => {
    await accept({ publishCount });
    const publish = async ({ publication }: DeliveryTask) => {
      await handBack(publication);
      return false;
    };
    await setUp({ publish }).relay.iterate();
    const { relay, published } = setUp();
    await assertWaits(relay, published, publishCount + 1);
  });

test("a task of the gateway's that is handed back although the queue's answer was lost waits, and its number is used up", async () => {
  await accept({ publishCount: 1, nextAt: clock.now() + WATCHDOG_FIRST_MS });
  const publishing = createPublishing({
    publisher: {
      async publish({ publication }) {
        await handBack(publication);
        return false;
      },
    },
    ...{ notifications: store.notifications, recorder: ignoreEvents, clock, failpoint: () => {} },
  });
  publishing.publish(n);
  await publishing.settled();
  const { relay, published } = setUp();
  await assertWaits(relay, published, 1);
});
