import assert from "node:assert/strict";
import { test } from "node:test";
import type { SendingTime } from "../adapters/preferences/sending-times.ts";
import { DEFERRAL_SPREAD_MS } from "../core/delivery/deferral.ts";
import { reason } from "../core/delivery/reason.ts";
import { useRelayWorld } from "../test/support/relay-world.ts";
import { createRelay } from "./relay.ts";

const MINUTE_MS = 60_000;
const world = useRelayWorld();

/** A relay to whose questions the answer is this one. */
const relayIn = (answer: () => SendingTime) => createRelay({ ...world.parts, sendingTimes: async () => answer() });
const closedFor = (ms: number) => (): SendingTime => ({ kind: "closed", until: world.clock.now() + ms });

test("what is due in quiet hours is not published before they end, and then once", async () => {
  const id = await world.accept();
  const [began, until] = [world.clock.now(), world.clock.now() + 20 * MINUTE_MS];
  const relay = relayIn(() => (world.clock.now() < until ? { kind: "closed", until } : { kind: "open" }));
  await relay.iterate();
  const { state, reason: why, nextAt, attempt } = await world.delivery(id);
  assert.deepEqual([state, why, attempt, world.published.length], ["pending", { code: "quiet-hours" }, 1, 0]);
  assert.ok(nextAt! >= until && nextAt! < until + DEFERRAL_SPREAD_MS);
  world.clock.advance(nextAt! - began - 1);
  await relay.iterate();
  assert.equal(world.published.length, 0);
  world.clock.advance(1);
  await relay.iterate();
  assert.deepEqual(
    world.published.map((task) => task.attempt),
    [1],
  );
  assert.deepEqual(await world.store.attempts.find([`${id}-0/1`]), []);
});

test("what was set meanwhile defers it again", async () => {
  const id = await world.accept();
  await relayIn(closedFor(MINUTE_MS)).iterate();
  world.clock.advance(MINUTE_MS + DEFERRAL_SPREAD_MS);
  await relayIn(closedFor(2 * MINUTE_MS)).iterate();
  assert.ok((await world.delivery(id)).nextAt! >= world.clock.now() + 2 * MINUTE_MS);
  assert.equal(world.published.length, 0);
});

test("what expires before the quiet hours end is ended at once, its number used up", async () => {
  const id = await world.accept();
  const relay = relayIn(closedFor(60 * MINUTE_MS));
  await relay.iterate();
  await relay.iterate();
  const { state, reason: why } = await world.delivery(id);
  assert.deepEqual([state, why, world.published.length], ["expired", { code: "quiet-hours" }, 0]);
  const [attempt] = await world.store.attempts.find([`${id}-0/1`]);
  assert.equal(attempt?.outcome?.kind, "void");
});

test("a repetition that ends so keeps the reason of what it repeats: that may have been sent", async () => {
  const id = await world.accept({}, { attempt: 2, policyResend: true, reason: reason("outcome-unknown", "reset") });
  const relay = relayIn(closedFor(60 * MINUTE_MS));
  await relay.iterate();
  await relay.iterate();
  const { state, reason: end } = await world.delivery(id);
  assert.deepEqual([state, end], ["failed", { code: "outcome-unknown", detail: "reset" }]);
});

test("a repetition that waits keeps the reason of what it repeats, also where it expires then", async () => {
  const why = reason("outcome-unknown", "reset");
  const id = await world.accept({}, { attempt: 2, policyResend: true, reason: why });
  await relayIn(closedFor(MINUTE_MS)).iterate();
  assert.deepEqual([(await world.delivery(id)).reason, world.published.length], [why, 0]);
  world.clock.advance(2 * 60 * MINUTE_MS);
  const relay = relayIn(() => ({ kind: "open" }));
  await relay.iterate();
  await relay.iterate();
  const { state, reason: end } = await world.delivery(id);
  assert.deepEqual([state, end], ["failed", why]);
});

test("what is open, or not known, is published: the dispatcher asks again", async () => {
  for (const kind of ["open", "unreadable"] as const) {
    await world.accept({ id: `${kind.length}`.repeat(32) });
    await relayIn(() => ({ kind })).iterate();
  }
  assert.ok(world.published.length > 0);
});

test("a claimed attempt is not deferred", async () => {
  const id = await world.accept();
  await world.claim(id);
  await relayIn(closedFor(MINUTE_MS)).iterate();
  assert.notEqual((await world.delivery(id)).reason?.code, "quiet-hours");
});

test("a copy that a dispatcher hands back while the relay defers it keeps its due time", async () => {
  const id = await world.accept({}, { publishCount: 1 });
  const handedBackAt = world.clock.now() + 5 * MINUTE_MS;
  const relay = createRelay({
    ...world.parts,
    async sendingTimes() {
      const { handedBack } = await import("../core/delivery/transitions.ts");
      const { toTask } = await import("../core/delivery/task.ts");
      const n = (await world.store.notifications.find(id))!;
      const task = { ...toTask(n, n.deliveries[0]!), publication: 0 };
      await world.store.notifications.change([
        handedBack(task, { nextAt: handedBackAt, reason: reason("unavailable", "circuit open") }).change,
      ]);
      return closedFor(20 * MINUTE_MS)();
    },
  });
  await relay.iterate();
  assert.deepEqual([(await world.delivery(id)).nextAt, (await world.delivery(id)).reason?.code], [handedBackAt, "unavailable"]);
});
