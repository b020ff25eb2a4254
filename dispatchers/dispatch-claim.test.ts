import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { StoreError } from "../adapters/store/open-store.ts";
import type { Outcome } from "../core/delivery/outcome.ts";
import { toTask } from "../core/delivery/task.ts";
import type { OptOutAnswer } from "../core/ports/opt-outs.ts";
import type { Store } from "../core/ports/store.ts";
import { accepted, useDispatchWorld } from "../test/support/dispatch-world.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { scriptedProvider } from "../test/support/scripted-provider.ts";
import { CLAIM_TO_SEND_MS } from "./dispatch-parts.ts";
import { OPT_OUT_FRESH_MS } from "./opt-out-check.ts";

const world = useDispatchWorld();

test("a process that was paused between its claim and the call does not call", async () => {
  const pausing = world.storeWithSlowClaims(CLAIM_TO_SEND_MS + 1);
  const { dispatch, sent } = world.setUp({ store: pausing });
  await dispatch(world.task(), "h");
  assert.equal(sent().length, 0);
  assert.deepEqual([(await world.delivery()).state, (await world.delivery()).attempt], ["pending", 2]);
});

test("an outcome that the relay declared unknown stays so: a late known-not-sent starts no other attempt", async () => {
  const id = `${world.notification.id}-0/1`;
  const worker = undefined;
  const late = scriptedProvider("twilio", async () => {
    const outcome = { kind: "unanswered", fault: { code: "worker-lost" } } as const;
    await world.store.attempts.record([{ id, worker, outcome, answeredAt: world.clock.now() }]);
    return { kind: "unavailable", fault: { code: "refused" } };
  });
  await world.setUp({ providers: [late, scriptedProvider("vonage", () => accepted)] }).dispatch(world.task(), "h");
  assert.deepEqual([(await world.delivery()).state, (await world.delivery()).attempt], ["pending", 1]);
});

test("an acceptance recorded after the relay declared the outcome unknown still ends the delivery", async () => {
  const late = scriptedProvider("twilio", async () => {
    const outcome = { kind: "unanswered", fault: { code: "worker-lost" } } as const;
    await world.store.attempts.record([{ id: `${world.notification.id}-0/1`, worker: undefined, outcome, answeredAt: world.clock.now() }]);
    return accepted;
  });
  await world.setUp({ providers: [late] }).dispatch(world.task(), "h");
  assert.equal((await world.delivery()).state, "sent");
});

test("an opt-out answer that became stale during the claim is read again, and obeyed", async () => {
  const answers: OptOutAnswer[] = ["allowed", "opted-out"];
  const slow = world.storeWithSlowClaims(OPT_OUT_FRESH_MS + 1);
  const { dispatch, sent } = world.setUp({ store: slow, optOuts: () => answers.shift()! });
  assert.deepEqual(await dispatch(world.task(), "h"), { kind: "ack" });
  assert.equal(sent().length, 0);
  assert.deepEqual([(await world.delivery()).state, (await world.delivery()).reason], ["suppressed", { code: "opted-out" }]);
});

test("where a stale opt-out answer cannot be read again, nothing is sent by this attempt, and another follows", async () => {
  for (const notificationClass of ["critical", "marketing"] as const) {
    const answers: OptOutAnswer[] = ["allowed", "unknown"];
    const other = sampleNotification(notificationClass, world.clock.now());
    await world.store.notifications.insert([other]);
    const slow = world.storeWithSlowClaims(OPT_OUT_FRESH_MS + 1);
    const { dispatch, sent } = world.setUp({ store: slow, optOuts: () => answers.shift()! });
    await dispatch({ ...toTask(other, other.deliveries[0]!), notificationClass }, "h");
    const d = (await world.store.notifications.find(other.id))!.deliveries[0]!;
    assert.deepEqual([sent().length, d.state, d.attempt], [0, "pending", 2]);
  }
});

/** A store whose claims are written, and then not confirmed. */
const unconfirmed = () => ({
  ...world.store,
  attempts: {
    ...world.store.attempts,
    claim: async (a: Parameters<Store["attempts"]["claim"]>[0]) => {
      await world.store.attempts.claim(a);
      throw new StoreError("not confirmed by a majority in time");
    },
  },
});

test("a claim that was written but not confirmed is recorded as not sent, and another attempt follows", async () => {
  const { dispatch, sent } = world.setUp({ store: unconfirmed() });
  assert.deepEqual(await dispatch(world.task(), "h"), { kind: "ack" });
  assert.equal(sent().length, 0);
  assert.deepEqual([(await world.delivery()).state, (await world.delivery()).attempt], ["pending", 2]);
});

for (const [when, writeAt] of [
  ["after its outcome found none", 1],
  ["after its number was taken with its outcome", 2],
] as const)
  test(`a claim that is written ${when} does not put in doubt what was not sent`, async () => {
    const { attempts } = world.store;
    let late: (() => Promise<unknown>) | undefined;
    let steps = 0;
    const thenLate = async <T>(step: Promise<T>): Promise<T> => {
      const result = await step;
      if (late && ++steps === writeAt) await late();
      return result;
    };
    const claim: Store["attempts"]["claim"] = async (a) => {
      if (late) return thenLate(attempts.claim(a));
      late = () => attempts.claim(a);
      throw new StoreError("no answer in time");
    };
    const record: Store["attempts"]["record"] = (results) => thenLate(attempts.record(results));
    const { dispatch, sent } = world.setUp({ store: { ...world.store, attempts: { ...attempts, claim, record } } });
    assert.deepEqual(await dispatch(world.task(), "h"), { kind: "ack" });
    assert.ok(steps >= writeAt, "the claim was written");
    const [attempt] = await attempts.find([`${world.notification.id}-0/1`]);
    assert.deepEqual([sent().length, attempt?.outcome?.kind], [0, "unavailable"]);
    assert.deepEqual([(await world.delivery()).state, (await world.delivery()).attempt], ["pending", 2]);
  });

test("a copy whose claim was not confirmed does not change the attempt of the copy being sent", async () => {
  const { promise: answer, resolve } = Promise.withResolvers<Outcome>();
  const slow = scriptedProvider("twilio", () => answer);
  let confirms = true;
  const claim: Store["attempts"]["claim"] = (a) => {
    const { attempts } = confirms ? world.store : unconfirmed();
    confirms = true;
    return attempts.claim(a);
  };
  const { dispatch } = world.setUp({ providers: [slow], store: { ...world.store, attempts: { ...world.store.attempts, claim } } });
  const sending = dispatch(world.task(), "h");
  while (slow.sent.length === 0) await setImmediate();
  confirms = false;
  await assert.rejects(dispatch(world.task(), "h"), StoreError);
  resolve(accepted);
  await sending;
  assert.equal((await world.delivery()).state, "sent");
  assert.deepEqual((await world.store.attempts.find([`${world.notification.id}-0/1`]))[0]?.outcome, accepted);
});

test("a copy whose claim was not confirmed does not end what another copy is sending, not even near its expiry", async () => {
  world.notification = sampleNotification("short", world.clock.now(), { expiresAt: world.clock.now() + 500 });
  await world.store.notifications.insert([world.notification]);
  const { promise: answer, resolve } = Promise.withResolvers<Outcome>();
  const slow = scriptedProvider("twilio", () => answer);
  let confirms = true;
  const claim: Store["attempts"]["claim"] = (a) => {
    const { attempts } = confirms ? world.store : unconfirmed();
    confirms = true;
    return attempts.claim(a);
  };
  const { dispatch } = world.setUp({ providers: [slow], store: { ...world.store, attempts: { ...world.store.attempts, claim } } });
  const sending = dispatch(world.task(), "h");
  while (slow.sent.length === 0) await setImmediate();
  confirms = false;
  await assert.rejects(dispatch(world.task(), "h"), StoreError);
  assert.equal((await world.delivery()).state, "pending");
  resolve(accepted);
  await sending;
  assert.equal((await world.delivery()).state, "sent");
});

test("a task that expires while its number is being claimed is not sent", async () => {
  world.notification = sampleNotification("short", world.clock.now(), { expiresAt: world.clock.now() + 300 });
  await world.store.notifications.insert([world.notification]);
  const slow = world.storeWithSlowClaims(300);
  const { dispatch, sent } = world.setUp({ store: slow });
  await dispatch(world.task(), "h");
  assert.equal(sent().length, 0);
  assert.deepEqual([(await world.delivery()).state, (await world.delivery()).nextAt], ["expired", undefined]);
});

/** A provider that takes so long, by the world's clock, until its first byte could leave; each time the next of these. */
const slowToBegin = (...ms: number[]) => {
  let begun = 0;
  const provider = scriptedProvider("twilio", () => accepted);
  const send = provider.send;
  provider.send = async (delivery, signal, mayBegin = () => true) => {
    world.clock.advance(ms[begun++] ?? 0);
    return mayBegin() ? send(delivery, signal) : { kind: "unavailable", fault: { code: "deadline" } };
  };
  return provider;
};

test("a call that could not begin in time asks for opt-outs again, and begins under the same claim", async () => {
  const answers: OptOutAnswer[] = ["allowed", "allowed"];
  const provider = slowToBegin(OPT_OUT_FRESH_MS + 1);
  const { dispatch, sent } = world.setUp({ providers: [provider], optOuts: () => answers.shift()! });
  await dispatch(world.task(), "h");
  assert.deepEqual([sent().length, answers.length], [1, 0]);
  assert.deepEqual([(await world.delivery()).state, (await world.delivery()).attempt], ["sent", 1]);
});

test("an opt-out during a token's exchange or a handshake is obeyed", async () => {
  const answers: OptOutAnswer[] = ["allowed", "opted-out"];
  const provider = slowToBegin(3_000);
  const { dispatch, sent } = world.setUp({ providers: [provider], optOuts: () => answers.shift()! });
  await dispatch(world.task(), "h");
  assert.equal(sent().length, 0);
  assert.deepEqual([(await world.delivery()).state, (await world.delivery()).reason], ["suppressed", { code: "opted-out" }]);
});

for (const [what, earlier, end] of [
  ["what", {}, "expired"],
  ["a repetition that", { policyResend: true }, "failed"],
  ["what may have been sent before it was redriven and", { redrive: 1 }, "failed"],
] as const)
  test(`${what} expires during a handshake is not sent, and ends as ${end}`, async () => {
    world.notification = sampleNotification("short", world.clock.now(), { expiresAt: world.clock.now() + 300 });
    await world.store.notifications.insert([world.notification]);
    const { dispatch, sent } = world.setUp({ providers: [slowToBegin(300)] });
    await dispatch({ ...world.task(), ...earlier }, "h");
    assert.deepEqual([sent().length, (await world.delivery()).state], [0, end]);
  });

test("a process that is starved of CPU stops sending, and the delivery stays", async () => {
  const provider = slowToBegin(...Array.from({ length: 20 }, () => OPT_OUT_FRESH_MS + 1));
  const { dispatch, sent } = world.setUp({ providers: [provider] });
  await dispatch(world.task(), "h");
  assert.equal(sent().length, 0);
  assert.deepEqual([(await world.delivery()).state, (await world.delivery()).attempt], ["pending", 2]);
});

test("an answer that took too long is none: its age counts from the question", async () => {
  const { dispatch, sent } = world.setUp({
    optOuts: () => {
      world.clock.advance(OPT_OUT_FRESH_MS + 1);
      return "allowed";
    },
  });
  assert.equal((await dispatch(world.task(), "h")).kind, "nak");
  assert.equal(sent().length, 0);
});
