import assert from "node:assert/strict";
import { test } from "node:test";
import { createSteeringReader } from "../adapters/store/steering-reader.ts";
import { STEERING_READ_MS, type SteeringRecord } from "../core/steering/steering.ts";
import { readTarget, type Target } from "../core/steering/target.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { useRelayWorld } from "../test/support/relay-world.ts";
import { createRelayMetrics } from "./metrics.ts";
import { createRelay } from "./relay.ts";
import { createResume, SETTLE_MS } from "./resume.ts";

const world = useRelayWorld();

const target = (text: string) => readTarget(text, ["twilio"]) as Target;
const put = (text: string, over: Partial<SteeringRecord> = {}) =>
  world.store.steering.put({ target: target(text), state: "paused", actor: "a", reason: "r", at: world.clock.now(), ...over });
const steered = () => createRelay({ ...world.parts, steering: createSteeringReader({ ...world.parts, steering: world.store.steering }) });
const metrics = createRelayMetrics(createMetrics("test"));
const resuming = (worker = "relay") => createResume({ ...world.parts, store: world.store, worker, metrics });
const states = async () => (await world.store.steering.list()).map(({ state }) => state);

test("what is due while its channel is paused is not published; resumed, it goes out at once and once", async () => {
  const [relay, look] = [steered(), resuming()];
  await put("sms");
  const id = await world.accept();
  await relay.iterate();
  const { state, reason, attempt, nextAt } = await world.delivery(id);
  assert.deepEqual([state, reason, attempt], ["pending", { code: "paused", detail: "channel:sms" }, 1]);
  assert.ok(nextAt! >= world.clock.now() + 900_000);
  await look();
  await relay.iterate();
  assert.equal(world.published.length, 0);

  await put("sms", { state: "resumed" });
  world.clock.advance(STEERING_READ_MS);
  await look();
  assert.equal((await world.delivery(id)).nextAt, world.clock.now());
  await relay.iterate();
  await relay.iterate();
  assert.equal(world.published.length, 1);
});

test("the record goes once nothing can be handed back for it any more, and what was handed back late is made due, too", async () => {
  const look = resuming();
  await put("sms", { state: "resumed" });
  await look();
  assert.deepEqual(await states(), ["resumed"]);
  const late = { reason: { code: "paused", detail: "channel:sms" }, publishedAt: 0, publishCount: 1 } as const;
  const id = await world.accept({}, { ...late, nextAt: world.clock.now() + 900_000 });
  world.clock.advance(SETTLE_MS);
  await look();
  assert.equal((await world.delivery(id)).nextAt, world.clock.now());
  assert.deepEqual(await states(), ["resumed"], "the next look shows that nothing is left");
  await look();
  assert.deepEqual(await states(), []);
});

test("what another pause holds stays, and so does what waits for something else", async () => {
  await put("sms", { state: "resumed" });
  await put("app:app");
  await put("twilio");
  const wait = { nextAt: world.clock.now() + 900_000, publishedAt: 0, publishCount: 1 };
  const ids = [
    await world.accept({ id: "1".repeat(32) }, { ...wait, reason: { code: "paused", detail: "channel:sms" } }),
    await world.accept({ id: "2".repeat(32), app: "other" }, { ...wait, reason: { code: "paused", detail: "account:twilio" } }),
    await world.accept({ id: "3".repeat(32), app: "other" }, { ...wait, reason: { code: "quiet-hours" } }),
  ];
  await resuming()();
  for (const id of ids) assert.equal((await world.delivery(id)).nextAt, wait.nextAt);
});

test("a pause with an end is over by itself", async () => {
  const [relay, look] = [steered(), resuming()];
  await put("sms", { until: world.clock.now() + 60_000 });
  const id = await world.accept();
  await relay.iterate();
  world.clock.advance(60_000);
  await look();
  await relay.iterate();
  assert.equal(world.published.length, 1);
  assert.equal((await world.delivery(id)).state, "pending");
});

test("only one relay does it, and another goes on where that one dies", async () => {
  await put("sms", { state: "resumed" });
  const wait = { nextAt: world.clock.now() + 900_000, publishedAt: 0, publishCount: 1 };
  await world.store.lease("resume", "dead", world.clock.now(), world.clock.now() + 60_000);
  const id = await world.accept({}, { ...wait, reason: { code: "paused", detail: "channel:sms" } });
  const look = resuming("second");
  await look();
  assert.equal((await world.delivery(id)).nextAt, wait.nextAt);
  world.clock.advance(60_000);
  await look();
  assert.equal((await world.delivery(id)).nextAt, world.clock.now());
});

test("what is paused and what is scheduled can both be seen, and a repetition that expires so may have been sent", async () => {
  await put("sms");
  const id = await world.accept({}, { attempt: 2, policyResend: true, reason: { code: "outcome-unknown", detail: "reset" } });
  const relay = steered();
  await relay.iterate();
  assert.equal((await world.delivery(id)).reason?.code, "paused");
  world.clock.advance(86_400_000);
  await relay.iterate();
  await relay.iterate();
  const { state, reason } = await world.delivery(id);
  assert.deepEqual([state, reason?.code], ["failed", "outcome-unknown"]);
});
