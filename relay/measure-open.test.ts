import assert from "node:assert/strict";
import { test } from "node:test";
import { countOpenDeliveries, OPEN_READ_MAX } from "../adapters/store/open-deliveries.ts";
import type { DeliveryCount } from "../core/ports/notification-store.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { useRelayWorld } from "../test/support/relay-world.ts";
import { measureOpenOnce } from "./measure-open.ts";
import { createRelayMetrics } from "./metrics.ts";

const w = useRelayWorld();
const signal = new AbortController().signal;

/** The gauge of one relay process, and what it shows: "channel state reason" to the number. */
function createObserver(worker: string) {
  const metrics = createRelayMetrics(createMetrics("relay"));
  return {
    measure: () => measureOpenOnce({ store: w.store, metrics, worker, clock: { ...w.clock, sleep: async () => undefined }, signal }),
    async shown() {
      const { values } = await metrics.openDeliveries.get();
      return Object.fromEntries(values.map(({ labels, value }) => [`${labels.channel} ${labels.state} ${labels.reason}`, value]));
    },
  };
}

test("what waits is shown by channel, state and reason, and what has ended is not", async () => {
  const [fresh, refused, doubtful, sent] = ["fresh", "refused", "doubtful", "sent"].map((id) => sampleNotification(id, w.clock.now()));
  const all = [
    fresh!,
    { ...refused!, deliveries: refused!.deliveries.map((d) => ({ ...d, reason: { code: "misconfigured" as const, detail: "http-401" } })) },
    {
      ...doubtful!,
      deliveries: doubtful!.deliveries.map((d) => ({ ...d, state: "uncertain" as const, reason: { code: "outcome-unknown" as const } })),
    },
    { ...sent!, deliveries: sent!.deliveries.map((d) => ({ ...d, state: "sent" as const, nextAt: undefined, endedAt: w.clock.now() })) },
  ];
  await w.store.notifications.insert(all);
  const relay = createObserver("relay-1");
  await relay.measure();
  const { channel } = fresh!.deliveries[0]!;
  const expected = { [`${channel} pending none`]: 1, [`${channel} pending misconfigured`]: 1, [`${channel} uncertain outcome-unknown`]: 1 };
  assert.deepEqual(await relay.shown(), expected);
});

test("one relay shows it, and another one once that is gone", async () => {
  await w.store.notifications.insert([sampleNotification("open", w.clock.now())]);
  const [first, second] = [createObserver("relay-1"), createObserver("relay-2")];
  await first.measure();
  await second.measure();
  assert.deepEqual([Object.keys(await first.shown()).length, await second.shown()], [1, {}]);
});

test("of a large backlog no more is read than the bound, and other work runs between the parts", async () => {
  let [asked, pauses] = [0, 0];
  const sleep = async () => void pauses++;
  const batch: DeliveryCount[] = [
    { channel: "sms", state: "pending", reason: "unavailable", detail: "http-503", count: 1, oldest: 7 },
    { channel: "sms", state: "pending", reason: "unavailable", detail: "circuit open: http-503", count: 1, oldest: 9 },
    { channel: "sms", state: "sent", reason: undefined, count: 9 },
  ];
  const openCounts = async function* (limit: number) {
    asked = limit;
    yield batch;
    yield batch;
  };
  assert.deepEqual(await countOpenDeliveries({ openCounts }, { sleep }), [
    { channel: "sms", state: "pending", reason: "unavailable", details: [{ detail: "http-503", count: 4 }], count: 4, oldest: 7 },
  ]);
  assert.deepEqual([asked, pauses], [OPEN_READ_MAX, 2]);
});
