import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { endpointId } from "../adapters/ids.ts";
import { ADAPTER_GRACE_MS } from "../core/delivery/call-limits.ts";
import type { Outcome } from "../core/delivery/outcome.ts";
import { toTask } from "../core/delivery/task.ts";
import type { OptOutAnswer } from "../core/ports/opt-outs.ts";
import { accepted, useDispatchWorld } from "../test/support/dispatch-world.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { scriptedProvider } from "../test/support/scripted-provider.ts";
import { UNREAD_AFTER_MS } from "./opt-out-check.ts";

const world = useDispatchWorld();

test("sends once, records the attempt and the end, and acknowledges", async () => {
  const { dispatch, sent } = world.setUp();
  assert.deepEqual(await dispatch(world.task(), "h"), { kind: "ack" });
  assert.equal(sent()[0]?.attemptId, `${world.notification.id}-0/1`);
  const d = await world.delivery();
  assert.deepEqual([d.state, d.providerRef, d.nextAt], ["sent", "ref", undefined]);
  const [attempt] = await world.store.attempts.find([`${world.notification.id}-0/1`]);
  assert.deepEqual([attempt?.provider, attempt?.worker, attempt?.outcome], ["twilio", "w1/1", accepted]);
});

test("of many copies of a task exactly one is sent", async () => {
  const { dispatch, sent } = world.setUp();
  const settlements = await Promise.all(Array.from({ length: 20 }, (_, i) => dispatch(world.task(), `h${i}`)));
  assert.equal(sent().length, 1);
  assert.ok(settlements.every((s) => s.kind === "ack"));
});

test("an opted-out delivery is not sent, and its number is voided so that no copy sends it later", async () => {
  await world.setUp({ optOut: "opted-out" }).dispatch(world.task(), "h");
  assert.deepEqual([(await world.delivery()).state, (await world.delivery()).reason], ["suppressed", { code: "opted-out" }]);
  const later = world.setUp();
  assert.deepEqual(await later.dispatch(world.task(), "h"), { kind: "ack" });
  assert.equal(later.sent().length, 0);
});

test("while opt-outs cannot be read everything waits, critical until they have been unreadable for a while", async () => {
  const waiting = world.setUp({ optOut: "unknown" });
  assert.equal((await waiting.dispatch(world.task(), "h")).kind, "nak");
  assert.equal(waiting.sent().length, 0);
  const marketing = { ...world.task(), notificationClass: "marketing" as const };
  assert.equal((await waiting.dispatch(marketing, "h")).kind, "nak");
  const critical = { ...world.task(), notificationClass: "critical" as const };
  assert.deepEqual(await waiting.dispatch(critical, "h"), { kind: "nak", delayMs: 500 });
  world.clock.advance(UNREAD_AFTER_MS - 1);
  assert.equal((await waiting.dispatch(critical, "h")).kind, "nak");
  assert.equal(waiting.sent().length, 0);
  world.clock.advance(1);
  assert.equal((await waiting.dispatch(marketing, "h")).kind, "nak");
  await waiting.dispatch(critical, "h");
  assert.equal(waiting.sent().length, 1);
});

test("critical waits anew where preferences answered since, or nobody asked for long", async () => {
  let optOut: OptOutAnswer = "unknown";
  const { dispatch, sent } = world.setUp({ optOuts: () => optOut });
  const critical = { ...world.task(), notificationClass: "critical" as const };
  assert.equal((await dispatch(critical, "h")).kind, "nak");
  world.clock.advance(UNREAD_AFTER_MS);
  optOut = "opted-out";
  const other = sampleNotification("other", world.clock.now());
  await world.store.notifications.insert([other]);
  await dispatch(toTask(other, other.deliveries[0]!), "h");
  optOut = "unknown";
  assert.equal((await dispatch(critical, "h")).kind, "nak", "preferences had answered");
  world.clock.advance(60_000);
  assert.equal((await dispatch(critical, "h")).kind, "nak", "a minute later it is another outage");
  assert.equal(sent().length, 0);
});

test("what waits for preferences is handed back for no longer than until its last try", async () => {
  const { dispatch } = world.setUp({ optOut: "unknown" });
  const task = { ...world.task(), expiresAt: world.clock.now() + 400_000 };
  for (let ms = 0; ms < 380_000; ms += 2_000) {
    await dispatch(task, "h");
    world.clock.advance(2_000);
  }
  const leftMs = task.expiresAt - world.clock.now();
  const settlement = await dispatch(task, "h");
  assert.ok(settlement.kind === "ack" && settlement.waitsMs! > 0 && settlement.waitsMs! < leftMs - 1_000, JSON.stringify(settlement));
});

test("critical that would expire meanwhile does not wait for preferences", async () => {
  const { dispatch, sent } = world.setUp({ optOut: "unknown" });
  await dispatch({ ...world.task(), notificationClass: "critical", expiresAt: world.clock.now() + 2_000 }, "h");
  assert.equal(sent().length, 1);
});

test("a repetition that has expired is not sent, and fails: what it repeats may have been", async () => {
  const { dispatch, sent } = world.setUp();
  world.clock.advance(3_600_000);
  await dispatch({ ...world.task(), policyResend: true }, "h");
  const { state, reason } = await world.delivery();
  assert.deepEqual([state, reason, sent().length], ["failed", { code: "outcome-unknown" }, 0]);
});

test("what has expired is not sent", async () => {
  const { dispatch, sent } = world.setUp();
  world.clock.advance(3_600_000);
  await dispatch(world.task(), "h");
  assert.equal((await world.delivery()).state, "expired");
  assert.equal(sent().length, 0);
});

test("when the first provider is known not to have sent, the second is tried at once", async () => {
  const busy = scriptedProvider("twilio", () => ({ kind: "throttled", retryAfterMs: 60_000, reason: "20429" }));
  const second = scriptedProvider("vonage", () => accepted);
  const { dispatch } = world.setUp({ providers: [busy, second] });
  await dispatch(world.task(), "h");
  const d = await world.delivery();
  assert.deepEqual([d.state, d.attempt, d.nextAt], ["pending", 2, world.clock.now()]);
  await dispatch({ ...world.task(), attempt: 2 }, "h");
  assert.deepEqual([busy.sent.length, second.sent.length, (await world.delivery()).state], [1, 1, "sent"]);
});

test("an unanswered attempt is uncertain, and no copy of it sends again", async () => {
  const { dispatch, sent } = world.setUp({
    providers: [scriptedProvider("twilio", () => ({ kind: "unanswered", fault: { code: "reset" } }))],
  });
  await dispatch(world.task(), "h");
  assert.equal((await world.delivery()).state, "uncertain");
  await dispatch(world.task(), "h2");
  assert.equal(sent().length, 1);
});

test("a provider that throws leaves the outcome unknown", async () => {
  const { dispatch } = world.setUp({
    providers: [
      scriptedProvider("twilio", () => {
        throw new Error("bug");
      }),
    ],
  });
  await dispatch(world.task(), "h");
  assert.deepEqual(
    [(await world.delivery()).state, (await world.delivery()).reason],
    ["uncertain", { code: "outcome-unknown", detail: "adapter-fault" }],
  );
});

test("a provider that ignores its deadline does not occupy a slot beyond it, and the outcome is unknown", async () => {
  const silent = scriptedProvider("twilio", () => new Promise<Outcome>(() => {}));
  const { dispatch } = world.setUp({ providers: [silent] });
  const sending = dispatch(world.task(), "h");
  while (silent.sent.length === 0) await setImmediate();
  world.clock.advance(1_000 + ADAPTER_GRACE_MS);
  const held = async () => {
    // The outcome and the delivery's change take an event-loop turn each, and no time passes meanwhile.
    for (let turns = 0; turns < 10; turns++) await setImmediate();
    return "held";
  };
  assert.deepEqual(await Promise.race([sending, held()]), { kind: "ack" });
  assert.deepEqual(
    [(await world.delivery()).state, (await world.delivery()).reason],
    ["uncertain", { code: "outcome-unknown", detail: "adapter-silent" }],
  );
});

test("a misconfigured provider is an error in the log, which alerts an operator", async () => {
  const { dispatch } = world.setUp({ providers: [scriptedProvider("twilio", () => ({ kind: "misconfigured", reason: "20003" }))] });
  await dispatch(world.task(), "h");
  assert.equal((await world.delivery()).state, "pending");
  assert.ok(world.lines.some((l) => JSON.parse(l).level === "error" && l.includes("misconfigured")));
});

test("a copy that another worker holds is redelivered later, unsent", async () => {
  const { dispatch, sent } = world.setUp({ gate: false });
  assert.equal((await dispatch(world.task(), "h")).kind, "nak");
  assert.equal(sent().length, 0);
});

test("a dead endpoint is removed, unless it was registered again since it went", async () => {
  const endpointId = "e".repeat(32);
  const endpoint = world.notification.deliveries[0]!.endpoint!;
  const gone: Outcome = { kind: "endpoint-gone", reason: "Unregistered", goneAt: world.clock.now() };
  await world.store.contacts.register({ app: "app", userId: "ada", endpointId, endpoint, registeredAt: world.clock.now() + 1 });
  await world.setUp({ providers: [scriptedProvider("twilio", () => gone)] }).dispatch(world.task(), "h");
  assert.equal((await world.store.contacts.list("app", ["ada"])).length, 1);
  await world.store.contacts.register({ app: "app", userId: "ada", endpointId, endpoint, registeredAt: world.clock.now() - 1 });
  const other = sampleNotification("two", world.clock.now());
  await world.store.notifications.insert([other]);
  await world.setUp({ providers: [scriptedProvider("twilio", () => gone)] }).dispatch(toTask(other, other.deliveries[0]!), "h");
  assert.equal((await world.store.contacts.list("app", ["ada"])).length, 0);
});

test("a token that its provider keeps calling gone since before its registration is removed at the second answer", async () => {
  const gone: Outcome = { kind: "endpoint-gone", reason: "Unregistered", goneAt: world.clock.now() - 1_000 };
  const { dispatch } = world.setUp({ providers: [scriptedProvider("twilio", () => gone)] });
  for (const left of [1, 0]) {
    world.clock.advance(1_000);
    const n = sampleNotification(`gone-${left}`, world.clock.now());
    await world.store.notifications.insert([n]);
    await dispatch(toTask(n, n.deliveries[0]!), "h");
    assert.equal((await world.store.contacts.list("app", ["ada"])).length, left);
  }
});

test("a dead endpoint that was given outright is removed where it is registered", async () => {
  const endpoint = { channel: "apns", token: "AB".repeat(32) } as const;
  await world.store.contacts.register({ app: "app", userId: "bob", endpointId: endpointId(endpoint), endpoint, registeredAt: 0 });
  const n = sampleNotification("outright", world.clock.now(), { recipient: { kind: "endpoint", endpoint } });
  n.deliveries[0] = { ...n.deliveries[0]!, channel: "apns", endpoint, endpointId: undefined };
  await world.store.notifications.insert([n]);
  const gone: Outcome = { kind: "endpoint-gone", reason: "Unregistered", goneAt: undefined };
  await world.setUp({ providers: [scriptedProvider("apns", () => gone)] }).dispatch(toTask(n, n.deliveries[0]), "h");
  assert.deepEqual(await world.store.contacts.list("app", ["bob"]), []);
});

test("an attempt's log line names what an operator needs and hides the endpoint", async () => {
  await world.setUp().dispatch(world.task(), "h");
  const line = JSON.parse(world.lines.find((l) => l.includes('"attempt"'))!);
  assert.deepEqual(
    [line.deliveryId, line.channel, line.attempt, line.outcome, line.elapsedMs],
    [`${world.notification.id}-0`, "sms", 1, "accepted", 0],
  );
  assert.doesNotMatch(world.lines.join(""), /4915112345678|hello/);
});

test("what waits for preferences for long is handed back, with a reason that can be seen", async () => {
  const { dispatch, sent } = world.setUp({ optOut: "unknown" });
  assert.deepEqual(await dispatch(world.task(), "h"), { kind: "nak", delayMs: 2_000 });
  assert.equal((await world.delivery()).reason, undefined);
  world.clock.advance(10_000);
  assert.deepEqual(await dispatch(world.task(), "h"), { kind: "ack", waitsMs: 10_000 });
  const { state, attempt, nextAt, reason } = await world.delivery();
  assert.deepEqual(
    [state, attempt, nextAt, reason],
    ["pending", 1, world.clock.now() + 10_000, { code: "unavailable", detail: "preferences-unreadable" }],
  );
  assert.equal(sent().length, 0);
});
