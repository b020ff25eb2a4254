// What the relay publishes, and what it ends.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { watchdogMs } from "../core/delivery/watchdog.ts";
import type { Store } from "../core/ports/store.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { useRelayWorld } from "../test/support/relay-world.ts";
import { createRelay, type RelayParts } from "./relay.ts";

const world = useRelayWorld();
const { accept, claim, delivery } = world;
let { store, clock, published, relay } = world;
beforeEach(() => {
  ({ store, clock, published, relay } = world);
});

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
  world.streamIsUp = false;
  assert.deepEqual(await relay.iterate(), { leased: 1, stuck: true });
  clock.advance(2_000);
  world.streamIsUp = true;
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

test("a repetition that was not claimed in time fails, whatever it waited for: what it repeats may have been sent", async () => {
  const repeats = { attempt: 2, policyResend: true, reason: { code: "unavailable", detail: "http-503" } } as const;
  const id = await world.accept({ expiresAt: clock.now() + 10 }, repeats);
  clock.advance(10);
  await relay.iterate();
  await relay.iterate();
  const { state, reason } = await delivery(id);
  assert.deepEqual([state, reason, published.length], ["failed", { code: "outcome-unknown" }, 0]);
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
  const holding = createRelay({ ...world.parts, store: { ...store, notifications }, shares });
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
  const holding = createRelay({ ...world.parts, shares: { room: async () => 0, take: () => false } });
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
    ...world.parts,
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
