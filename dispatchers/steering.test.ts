import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { createSteeringReader } from "../adapters/store/steering-reader.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import { STEERING_FRESH_MS, STEERING_READ_MS, type SteeringRecord } from "../core/steering/steering.ts";
import { readTarget, type Target } from "../core/steering/target.ts";
import { createLogger } from "../runtime/logger.ts";
import { accepted, useDispatchWorld } from "../test/support/dispatch-world.ts";
import { scriptedProvider } from "../test/support/scripted-provider.ts";

const world = useDispatchWorld();
const log = createLogger("test", "error", { write() {} });
const reader = (list = () => world.store.steering.list()) => createSteeringReader({ steering: { list }, clock: world.clock, log });
const twilioAndVonage = () => [scriptedProvider("twilio", () => accepted), scriptedProvider("vonage", () => accepted)];

const put = (target: string, over: Partial<SteeringRecord> = {}) =>
  world.store.steering.put({
    ...{ target: readTarget(target, ["twilio", "vonage"]) as Target, state: "paused", actor: "a", reason: "r", at: world.clock.now() },
    ...over,
  });

for (const target of ["channel:sms", "class:transactional", "app:app", "account:twilio"])
  test(`while ${target} is paused, a delivery waits in the store and says so, without an attempt`, async () => {
    await put(target);
    const { dispatch, sent } = world.setUp({ steering: reader(), providers: twilioAndVonage() });
    assert.deepEqual(await dispatch(world.task(), "h"), { kind: "ack" });
    const { state, attempt, reason, nextAt, publishedAt } = await world.delivery();
    assert.deepEqual([state, attempt, reason, publishedAt], ["pending", 1, { code: "paused", detail: target }, 0]);
    assert.ok(nextAt! >= world.clock.now() + 900_000);
    assert.deepEqual([sent().length, await world.store.attempts.find([`${world.notification.id}-0/1`])], [0, []]);
  });

test("a paused account that is not the first one is not called: the first one is, whatever attempt it is", async () => {
  await put("vonage");
  const providers = twilioAndVonage();
  const { dispatch } = world.setUp({ steering: reader(), providers });
  await dispatch({ ...world.task(), attempt: 2 }, "h");
  assert.deepEqual(
    providers.map((p) => p.sent.length),
    [1, 0],
  );
});

test("what is drained goes out by the other provider", async () => {
  await put("twilio", { state: "drained", to: "vonage" });
  const providers = twilioAndVonage();
  await world.setUp({ steering: reader(), providers }).dispatch(world.task(), "h");
  assert.deepEqual(
    providers.map((p) => p.sent.length),
    [0, 1],
  );
});

test("of several others, the one that the operator named comes first", async () => {
  await put("twilio", { state: "drained", to: "second" });
  const providers = ["twilio", "first", "second"].map((name) => scriptedProvider(name, () => accepted));
  await world.setUp({ steering: reader(), providers }).dispatch(world.task(), "h");
  assert.deepEqual(
    providers.map((p) => p.sent.length),
    [0, 0, 1],
  );
});

test("a provider that is the only one waits while it is drained", async () => {
  await put("twilio", { state: "drained", to: "vonage" });
  const { dispatch, sent } = world.setUp({ steering: reader() });
  await dispatch(world.task(), "h");
  assert.deepEqual([(await world.delivery()).reason?.code, sent().length], ["paused", 0]);
});

test("a pause that is stored while the claim is slow stops the call; nothing was sent", async () => {
  const steering = reader();
  await steering.read();
  const store = world.storeWithSlowClaims(STEERING_FRESH_MS);
  const { dispatch, sent } = world.setUp({ steering, store });
  await put("sms");
  await dispatch(world.task(), "h");
  const { state, reason } = await world.delivery();
  assert.deepEqual([sent().length, state, reason], [0, "pending", { code: "unavailable", detail: "paused" }]);
});

test("what is paused is read again after 2 s, once for all that ask", async () => {
  let reads = 0;
  const steering = reader(async () => {
    reads++;
    return [];
  });
  await Promise.all([steering.read(), steering.read()]);
  world.clock.advance(STEERING_READ_MS - 1);
  await steering.read();
  assert.equal(reads, 1);
  world.clock.advance(1);
  await steering.read();
  assert.equal(reads, 2);
  world.clock.advance(STEERING_FRESH_MS);
  assert.equal(steering.current(), undefined);
});

test("an answer that comes too late for its task counts for the next ones, unless a later read was answered before", async () => {
  const answers: ((steering: SteeringRecord[]) => void)[] = [];
  const steering = reader(() => new Promise((answer) => answers.push(answer)));
  const first = steering.read();
  answers[0]!([]);
  assert.deepEqual(await first, []);
  await put("sms");
  const paused = await world.store.steering.list();
  const readLate = async () => {
    world.clock.advance(STEERING_READ_MS);
    const late = steering.read();
    world.clock.advance(STEERING_READ_MS);
    return late;
  };
  assert.deepEqual(await readLate(), []);
  answers[1]!(paused);
  await setImmediate();
  assert.deepEqual([await steering.read(), steering.current()], [paused, paused]);
  assert.deepEqual(await readLate(), paused);
  world.clock.advance(STEERING_READ_MS);
  const last = steering.read();
  answers[3]!([]);
  answers[2]!(paused);
  assert.deepEqual(await last, []);
  await setImmediate();
  assert.deepEqual(steering.current(), []);
});

test("while it cannot be read, what was known counts; where nothing is known, the task returns to the queue", async () => {
  let isAway = false;
  const list = async () => {
    if (isAway) throw new StoreError("away");
    return world.store.steering.list();
  };
  await put("sms");
  const steering = reader(list);
  await steering.read();
  isAway = true;
  world.clock.advance(60_000);
  const known = world.setUp({ steering });
  await known.dispatch(world.task(), "h");
  assert.deepEqual([known.sent().length, (await world.delivery()).reason?.code], [0, "paused"]);

  const unknown = world.setUp({ steering: reader(list) });
  const settlement = await unknown.dispatch({ ...world.task(), publication: 1 }, "h");
  assert.deepEqual([settlement.kind, unknown.sent().length], ["nak", 0]);
});
