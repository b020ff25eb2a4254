import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { ProxyTracerProvider } from "@opentelemetry/api";
import type { NotificationRecord } from "../core/notification.ts";
import type { Outcome } from "../core/outcome.ts";
import type { RefusalAnswer } from "../core/ports/refusals.ts";
import type { Store } from "../core/ports/store.ts";
import { toTask } from "../core/task.ts";
import { createLogger } from "../infra/logger.ts";
import { createMetrics } from "../infra/metrics.ts";
import { openStore, StoreError } from "../infra/store.ts";
import { createFakeClock, type FakeClock } from "../test/support/fake-clock.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { scriptedProvider } from "../test/support/scripted-provider.ts";
import { ADAPTER_GRACE_MS, CLAIM_TO_SEND_MS, createDispatch, REFUSAL_FRESH_MS } from "./dispatch.ts";
import { createDispatchMetrics } from "./metrics.ts";

const accepted: Outcome = { kind: "accepted", providerRef: "ref" };
let store: Store;
let clock: FakeClock;
let lines: string[];
let n: NotificationRecord;

beforeEach(async (t) => {
  store = await openStore("sqlite::memory:");
  if ("after" in t) t.after(() => store[Symbol.asyncDispose]());
  clock = createFakeClock();
  lines = [];
  n = sampleNotification("one", clock.now());
  await store.notifications.insert([n]);
});

interface Setting {
  providers?: ReturnType<typeof scriptedProvider>[];
  refusal?: RefusalAnswer;
  refusals?: () => RefusalAnswer;
  gate?: boolean;
  store?: Pick<Store, "attempts" | "notifications" | "contacts">;
}

function setUp(s: Setting = {}) {
  const providers = s.providers ?? [scriptedProvider("twilio", () => accepted)];
  const dispatch = createDispatch({
    ...{ channel: "sms", providers, store: s.store ?? store, clock, random: () => 0, worker: "w1", deadlineMs: 1_000 },
    refusals: { check: async (questions) => questions.map(() => s.refusals?.() ?? s.refusal ?? "allowed") },
    gate: { mayTry: async () => s.gate ?? true },
    log: createLogger("test", "info", { write: (line) => void lines.push(line) }),
    metrics: createDispatchMetrics(createMetrics("test")),
    tracer: new ProxyTracerProvider().getTracer("test"),
  });
  return { dispatch, providers, sent: () => providers.flatMap((p) => p.sent) };
}

const delivery = async () => (await store.notifications.find(n.id))!.deliveries[0]!;
const task = () => toTask(n, n.deliveries[0]!);

test("sends once, records the attempt and the end, and acknowledges", async () => {
  const { dispatch, sent } = setUp();
  assert.deepEqual(await dispatch(task(), "h"), { kind: "ack" });
  assert.equal(sent()[0]?.attemptId, `${n.id}-0/1`);
  const d = await delivery();
  assert.deepEqual([d.state, d.providerRef, d.nextAt], ["sent", "ref", undefined]);
  const [attempt] = await store.attempts.find([`${n.id}-0/1`]);
  assert.deepEqual([attempt?.provider, attempt?.worker, attempt?.outcome], ["twilio", "w1/1", accepted]);
});

test("of many copies of a task exactly one is sent", async () => {
  const { dispatch, sent } = setUp();
  const settlements = await Promise.all(Array.from({ length: 20 }, (_, i) => dispatch(task(), `h${i}`)));
  assert.equal(sent().length, 1);
  assert.ok(settlements.every((s) => s.kind === "ack"));
});

test("what is refused is not sent, and its attempt's number is closed so that a copy cannot send it later", async () => {
  await setUp({ refusal: "refused" }).dispatch(task(), "h");
  assert.deepEqual([(await delivery()).state, (await delivery()).reason], ["suppressed", "opted-out"]);
  const later = setUp();
  assert.deepEqual(await later.dispatch(task(), "h"), { kind: "ack" });
  assert.equal(later.sent().length, 0);
});

test("while refusals cannot be read critical goes out and everything else waits", async () => {
  const waiting = setUp({ refusal: "unknown" });
  assert.equal((await waiting.dispatch(task(), "h")).kind, "nak");
  assert.equal(waiting.sent().length, 0);
  const marketing = { ...task(), notificationClass: "marketing" as const };
  assert.equal((await waiting.dispatch(marketing, "h")).kind, "nak");
  await waiting.dispatch({ ...task(), notificationClass: "critical" }, "h");
  assert.equal(waiting.sent().length, 1);
});

test("what has expired is not sent", async () => {
  const { dispatch, sent } = setUp();
  clock.advance(3_600_000);
  await dispatch(task(), "h");
  assert.equal((await delivery()).state, "expired");
  assert.equal(sent().length, 0);
});

test("after a known refusal of the first provider the second one's turn comes at once", async () => {
  const busy = scriptedProvider("twilio", () => ({ kind: "throttled", retryAfterMs: 60_000, reason: "20429" }));
  const second = scriptedProvider("vonage", () => accepted);
  const { dispatch } = setUp({ providers: [busy, second] });
  await dispatch(task(), "h");
  const d = await delivery();
  assert.deepEqual([d.state, d.attempt, d.nextAt], ["pending", 2, clock.now()]);
  await dispatch({ ...task(), attempt: 2 }, "h");
  assert.deepEqual([busy.sent.length, second.sent.length, (await delivery()).state], [1, 1, "sent"]);
});

test("an unanswered attempt is uncertain, and no copy of it sends again", async () => {
  const { dispatch, sent } = setUp({ providers: [scriptedProvider("twilio", () => ({ kind: "unanswered", fault: { code: "reset" } }))] });
  await dispatch(task(), "h");
  assert.equal((await delivery()).state, "uncertain");
  await dispatch(task(), "h2");
  assert.equal(sent().length, 1);
});

test("a provider that throws leaves the outcome unknown", async () => {
  const { dispatch } = setUp({
    providers: [
      scriptedProvider("twilio", () => {
        throw new Error("bug");
      }),
    ],
  });
  await dispatch(task(), "h");
  assert.deepEqual([(await delivery()).state, (await delivery()).reason], ["uncertain", "adapter-fault"]);
});

test("a provider that heeds no deadline holds its place no longer than that, and the outcome is unknown", async () => {
  const silent = scriptedProvider("twilio", () => new Promise<Outcome>(() => {}));
  const { dispatch } = setUp({ providers: [silent] });
  const sending = dispatch(task(), "h");
  while (silent.sent.length === 0) await setImmediate();
  clock.advance(1_000 + ADAPTER_GRACE_MS);
  const ended = await Promise.race([sending, setImmediate("held")]);
  assert.deepEqual(ended, { kind: "ack" });
  assert.deepEqual([(await delivery()).state, (await delivery()).reason], ["uncertain", "adapter-silent"]);
});

test("a misconfigured provider is left alone: the next tasks wait in the queue without using up attempts", async () => {
  const { dispatch, sent } = setUp({ providers: [scriptedProvider("twilio", () => ({ kind: "misconfigured", reason: "20003" }))] });
  await dispatch(task(), "h");
  assert.equal((await delivery()).state, "pending");
  const other = sampleNotification("two", clock.now());
  await store.notifications.insert([other]);
  const settlement = await dispatch(toTask(other, other.deliveries[0]!), "h");
  assert.ok(settlement.kind === "nak" && settlement.delayMs > 0);
  assert.equal(sent().length, 1);
  assert.ok(
    lines.some((l) => JSON.parse(l).level === "error" && l.includes("misconfigured")),
    "an error line wakes a person",
  );
});

test("a process that was paused between its claim and the call does not call", async () => {
  const pausing = {
    ...store,
    attempts: {
      ...store.attempts,
      claim: async (a: Parameters<Store["attempts"]["claim"]>[0]) => {
        const won = await store.attempts.claim(a);
        clock.advance(CLAIM_TO_SEND_MS + 1);
        return won;
      },
    },
  };
  const { dispatch, sent } = setUp({ store: pausing });
  await dispatch(task(), "h");
  assert.equal(sent().length, 0);
  assert.deepEqual([(await delivery()).state, (await delivery()).attempt], ["pending", 2]);
});

test("what the relay has called unknown stays so: a late known-not-sent does not begin another attempt", async () => {
  const id = `${n.id}-0/1`;
  const worker = undefined;
  const late = scriptedProvider("twilio", async () => {
    const outcome = { kind: "unanswered", fault: { code: "worker-lost" } } as const;
    await store.attempts.record([{ id, worker, outcome, answeredAt: clock.now() }]);
    return { kind: "unavailable", fault: { code: "refused" } };
  });
  await setUp({ providers: [late, scriptedProvider("vonage", () => accepted)] }).dispatch(task(), "h");
  assert.deepEqual([(await delivery()).state, (await delivery()).attempt], ["pending", 1]);
});

test("an acceptance that comes after the relay called it unknown ends the delivery all the same", async () => {
  const late = scriptedProvider("twilio", async () => {
    const outcome = { kind: "unanswered", fault: { code: "worker-lost" } } as const;
    await store.attempts.record([{ id: `${n.id}-0/1`, worker: undefined, outcome, answeredAt: clock.now() }]);
    return accepted;
  });
  await setUp({ providers: [late] }).dispatch(task(), "h");
  assert.equal((await delivery()).state, "sent");
});

test("an answer about refusals that grew old while the claim was written is asked for again, and obeyed", async () => {
  const answers: RefusalAnswer[] = ["allowed", "refused"];
  const slow = {
    ...store,
    attempts: {
      ...store.attempts,
      claim: async (a: Parameters<Store["attempts"]["claim"]>[0]) => {
        const won = await store.attempts.claim(a);
        clock.advance(REFUSAL_FRESH_MS + 1);
        return won;
      },
    },
  };
  const { dispatch, sent } = setUp({ store: slow, refusals: () => answers.shift()! });
  assert.deepEqual(await dispatch(task(), "h"), { kind: "ack" });
  assert.equal(sent().length, 0);
  assert.deepEqual([(await delivery()).state, (await delivery()).reason], ["suppressed", "opted-out"]);
});

test("where the old answer cannot be renewed critical goes out, and the others come back as another attempt", async () => {
  for (const notificationClass of ["critical", "marketing"] as const) {
    const answers: RefusalAnswer[] = ["allowed", "unknown"];
    const other = sampleNotification(notificationClass, clock.now());
    await store.notifications.insert([other]);
    const slow = {
      ...store,
      attempts: {
        ...store.attempts,
        claim: async (a: Parameters<Store["attempts"]["claim"]>[0]) => {
          const won = await store.attempts.claim(a);
          clock.advance(REFUSAL_FRESH_MS + 1);
          return won;
        },
      },
    };
    const { dispatch, sent } = setUp({ store: slow, refusals: () => answers.shift()! });
    await dispatch({ ...toTask(other, other.deliveries[0]!), notificationClass }, "h");
    const d = (await store.notifications.find(other.id))!.deliveries[0]!;
    assert.deepEqual([sent().length, d.state, d.attempt], notificationClass === "critical" ? [1, "sent", 1] : [0, "pending", 2]);
  }
});

/** A store whose claims are written, and then not confirmed. */
const unconfirmed = () => ({
  ...store,
  attempts: {
    ...store.attempts,
    claim: async (a: Parameters<Store["attempts"]["claim"]>[0]) => {
      await store.attempts.claim(a);
      throw new StoreError("not confirmed by a majority in time");
    },
  },
});

test("a claim that was written and not confirmed is not sent, and is known not to be: another attempt follows", async () => {
  const { dispatch, sent } = setUp({ store: unconfirmed() });
  assert.deepEqual(await dispatch(task(), "h"), { kind: "ack" });
  assert.equal(sent().length, 0);
  assert.deepEqual([(await delivery()).state, (await delivery()).attempt], ["pending", 2]);
});

test("a copy whose claim was not confirmed says nothing of the one that is being sent", async () => {
  const { promise: answer, resolve } = Promise.withResolvers<Outcome>();
  const slow = scriptedProvider("twilio", () => answer);
  let confirms = true;
  const claim: Store["attempts"]["claim"] = (a) => (confirms ? store : unconfirmed()).attempts.claim(a);
  const { dispatch } = setUp({ providers: [slow], store: { ...store, attempts: { ...store.attempts, claim } } });
  const sending = dispatch(task(), "h");
  while (slow.sent.length === 0) await setImmediate();
  confirms = false;
  await assert.rejects(dispatch(task(), "h"), StoreError);
  resolve(accepted);
  await sending;
  assert.equal((await delivery()).state, "sent");
  assert.deepEqual((await store.attempts.find([`${n.id}-0/1`]))[0]?.outcome, accepted);
});

test("what expires while its number is being claimed is not sent", async () => {
  n = sampleNotification("short", clock.now(), { expiresAt: clock.now() + 300 });
  await store.notifications.insert([n]);
  const slow: Pick<Store, "attempts" | "notifications" | "contacts"> = {
    ...store,
    attempts: {
      ...store.attempts,
      claim: async (a) => {
        const won = await store.attempts.claim(a);
        clock.advance(300);
        return won;
      },
    },
  };
  const { dispatch, sent } = setUp({ store: slow });
  await dispatch(task(), "h");
  assert.equal(sent().length, 0);
  assert.deepEqual([(await delivery()).state, (await delivery()).nextAt], ["expired", undefined]);
});

test("a copy held elsewhere comes back later, unsent", async () => {
  const { dispatch, sent } = setUp({ gate: false });
  assert.equal((await dispatch(task(), "h")).kind, "nak");
  assert.equal(sent().length, 0);
});

test("a dead endpoint is removed, unless it was registered again since it went", async () => {
  const endpointId = "e".repeat(32);
  const endpoint = n.deliveries[0]!.endpoint!;
  const gone: Outcome = { kind: "endpoint-gone", reason: "Unregistered", goneAt: clock.now() };
  await store.contacts.register({ app: "app", userId: "ada", endpointId, endpoint, registeredAt: clock.now() + 1 });
  await setUp({ providers: [scriptedProvider("twilio", () => gone)] }).dispatch(task(), "h");
  assert.equal((await store.contacts.list("app", ["ada"])).length, 1);
  await store.contacts.register({ app: "app", userId: "ada", endpointId, endpoint, registeredAt: clock.now() - 1 });
  const other = sampleNotification("two", clock.now());
  await store.notifications.insert([other]);
  await setUp({ providers: [scriptedProvider("twilio", () => gone)] }).dispatch(toTask(other, other.deliveries[0]!), "h");
  assert.equal((await store.contacts.list("app", ["ada"])).length, 0);
});

test("the line of an attempt names what an operator needs and hides where it went", async () => {
  await setUp().dispatch(task(), "h");
  const line = JSON.parse(lines.find((l) => l.includes('"attempt"'))!);
  assert.deepEqual([line.deliveryId, line.channel, line.attempt, line.outcome, line.elapsedMs], [`${n.id}-0`, "sms", 1, "accepted", 0]);
  assert.doesNotMatch(lines.join(""), /4915112345678|hello/);
});
