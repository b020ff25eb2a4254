// What tests of the relay share: a store, a stream that may be down, and a relay over both; new for each test.
import { beforeEach } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { STATUS_QUERY_FIRST_MS, UNCERTAIN_WAIT_MS } from "../../core/delivery/decide.ts";
import type { DeliveryEvent } from "../../core/delivery/event.ts";
import { IN_DOUBT_REPEATS } from "../../core/delivery/in-doubt.ts";
import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import { WATCHDOG_FIRST_MS } from "../../core/delivery/watchdog.ts";
import { type AttemptRecord, attemptId } from "../../core/ports/attempt-store.ts";
import type { DeliveryTask } from "../../core/ports/queue.ts";
import type { Store } from "../../core/ports/store.ts";
import { createRelayMetrics } from "../../relay/metrics.ts";
import type { Outbox } from "../../relay/outbox.ts";
import { createRelay, type RelayParts } from "../../relay/relay.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { createFakeClock, type FakeClock } from "./fake-clock.ts";
import { noShares } from "./no-shares.ts";
import { sampleNotification } from "./notification-samples.ts";

/** Until the provider "slow", which indexes late, can be asked, in ms. "silent" can never be asked. */
export const SLOW_MS = 60_000;

export class RelayWorld {
  store!: Store;
  clock!: FakeClock;
  published!: DeliveryTask[];
  streamIsUp = true;
  events!: DeliveryEvent[];
  parts!: RelayParts;
  relay!: Outbox;

  async open(): Promise<void> {
    this.store = await openStore("sqlite::memory:");
    this.clock = createFakeClock();
    this.published = [];
    this.events = [];
    this.streamIsUp = true;
    this.parts = {
      ...{ store: this.store, clock: this.clock, worker: "relay", pollMs: 1, random: () => 0 },
      ...{
        uncertainWaitMs: UNCERTAIN_WAIT_MS,
        inDoubtRepeats: IN_DOUBT_REPEATS,
        confirmationOf: () => ({ statusQueryTellsMs: undefined, sendsReceipts: true }),
        statusQueryFirstMs: (provider: string) =>
          provider === "silent" ? undefined : provider === "slow" ? SLOW_MS : STATUS_QUERY_FIRST_MS,
        watchdogFirstMs: WATCHDOG_FIRST_MS,
        failpoint: () => {},
      },
      queue: { waitingSince: async () => Number.POSITIVE_INFINITY },
      shares: noShares,
      recorder: { record: (all) => void this.events.push(...all) },
      publisher: {
        publish: async (task) => {
          if (this.streamIsUp) this.published.push(task);
          return this.streamIsUp;
        },
      },
      log: createLogger("test", "error", { write() {} }),
      metrics: createRelayMetrics(createMetrics("test")),
    };
    this.relay = createRelay(this.parts);
  }

  /** The id of a notification that is due. */
  accept = async (over: Partial<NotificationRecord> = {}, delivery: Partial<Delivery> = {}): Promise<string> => {
    const n = sampleNotification("one", this.clock.now(), over);
    await this.store.notifications.insert([{ ...n, deliveries: n.deliveries.map((d) => ({ ...d, ...delivery })) }]);
    return n.id;
  };

  claim = (id: string, over: Partial<AttemptRecord> = {}, number = 1): Promise<boolean[]> => {
    const deliveryId = `${id}-0`;
    const now = this.clock.now();
    const ids = { id: attemptId(deliveryId, number), deliveryId, number };
    return this.store.attempts.claim([{ ...ids, worker: "w", provider: "p", startedAt: now, deadlineAt: now + 15_000, ...over }]);
  };

  delivery = async (id: string) => (await this.store.notifications.find(id))!.deliveries[0]!;
}

export function useRelayWorld(): RelayWorld {
  const world = new RelayWorld();
  beforeEach(async (t) => {
    await world.open();
    const { store } = world;
    if ("after" in t) t.after(() => store[Symbol.asyncDispose]());
  });
  return world;
}
