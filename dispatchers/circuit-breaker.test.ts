// Which calls open a circuit, what waits for it, and what closes it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "../adapters/store/store-error.ts";
import type { Content } from "../core/content/content.ts";
import type { SmsContent } from "../core/content/sms-content.ts";
import {
  AMBIGUOUS_ENDPOINTS_MIN,
  OPEN_FIRST_MS,
  OPEN_LONGEST_CRITICAL_MS,
  SERVICE_FAILURES_MIN,
  SERVICE_SPAN_MS,
  SETUP_ENDPOINTS_MIN,
} from "../core/delivery/circuit.ts";
import { LAST_CALL_MS } from "../core/delivery/decide.ts";
import type { Outcome } from "../core/delivery/outcome.ts";
import type { OutboundDelivery } from "../core/ports/provider.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import { down, foreign, numbersOf, useCircuitWorld, wrongKey } from "../test/support/circuit-world.ts";
import { accepted } from "../test/support/dispatch-world.ts";
import { eventually } from "../test/support/eventually.ts";
import { type ScriptedProvider, scriptedProvider } from "../test/support/scripted-provider.ts";

const { world, textTo, pod, fail } = useCircuitWorld();
const deliveryOf = async (task: DeliveryTask) => (await world.store.notifications.find(task.notificationId))!.deliveries[0]!;

test("while a provider is down, a delivery waits in the store with its reason and without an attempt", async () => {
  const { dispatch, sent } = pod([scriptedProvider("twilio", () => down)]);
  await fail(dispatch);
  const task = await textTo("+49309");
  const settlement = await dispatch(task, "h");
  assert.ok(settlement.kind === "ack" && settlement.waitsMs! >= OPEN_FIRST_MS - SERVICE_SPAN_MS);
  const { state, reason, nextAt, publishedAt, attempt } = await deliveryOf(task);
  assert.deepEqual([state, attempt, publishedAt], ["pending", 1, 0]);
  assert.deepEqual(reason, { code: "unavailable", detail: "circuit open: http-503" });
  assert.equal(nextAt, world.clock.now() + settlement.waitsMs!);
  assert.equal(sent().length, SERVICE_FAILURES_MIN);
  assert.match(world.lines.join(), /"circuit":"twilio\/default account","reason":"unavailable: http-503".*circuit opened/);
});

test("a delivery that waits because others got no answer is not in doubt itself", async () => {
  const { dispatch } = pod([scriptedProvider("twilio", () => ({ kind: "unanswered", fault: { code: "deadline" } }))]);
  await fail(dispatch);
  const task = await textTo("+49309");
  await dispatch(task, "h");
  assert.deepEqual((await deliveryOf(task)).reason, { code: "unavailable", detail: "circuit open: deadline" });
  const repeated = { ...(await textTo("+49308")), policyResend: true };
  await dispatch(repeated, "h");
  assert.deepEqual((await deliveryOf(repeated)).reason, { code: "outcome-unknown", detail: "circuit open: deadline" });
});

test("a delivery does not wait past its expiry", async () => {
  const { dispatch } = pod([scriptedProvider("twilio", () => down)]);
  await fail(dispatch);
  const task = { ...(await textTo("+49309")), expiresAt: world.clock.now() + 1_000 };
  assert.deepEqual(await dispatch(task, "h"), { kind: "ack", waitsMs: 1_000 });
});

test("a delivery that lives shorter than a circuit is open is tried once more before it expires", async () => {
  let outcome: Outcome = { ...down, retryAfterMs: 300_000 } as Outcome;
  const { circuits, dispatch, sent } = pod([scriptedProvider("twilio", () => outcome)]);
  await fail(dispatch);
  for (const lifeMs of [60_000, 20_000]) {
    const task = { ...(await textTo("+49309")), expiresAt: world.clock.now() + lifeMs };
    const settlement = await dispatch(task, "h");
    assert.ok(settlement.kind === "ack" && settlement.waitsMs! > 0 && settlement.waitsMs! <= lifeMs - LAST_CALL_MS, `${settlement.kind}`);
    assert.equal((await deliveryOf(task)).nextAt, world.clock.now() + settlement.waitsMs!);
  }
  const task = { ...(await textTo("+49308")), expiresAt: world.clock.now() + 60_000 };
  await dispatch(task, "h");
  [outcome] = [accepted];
  circuits.close();
  world.clock.advance((await deliveryOf(task)).nextAt! - world.clock.now());
  assert.deepEqual(await dispatch({ ...task, publication: 1 }, "h"), { kind: "ack" });
  assert.equal(numbersOf(sent()).at(-1), "+49308");
});

for (const [what, answer] of [
  ["our key", wrongKey],
  ["our key or the endpoint", foreign],
  ["the provider", down],
] as const)
  test(`one bad endpoint whose answers blame ${what}, however often it is tried, keeps nobody waiting`, async () => {
    const bad = "+4930666";
    const { dispatch, sent } = pod([
      scriptedProvider("twilio", ({ endpoint }) => (numbersOf([{ endpoint }])[0] === bad ? answer : accepted)),
    ]);
    for (let i = 0; i < 50; i++) {
      await dispatch(await textTo(bad, "marketing"), "h");
      world.clock.advance(SERVICE_SPAN_MS / 10);
    }
    assert.deepEqual(await dispatch(await textTo("+49301", "critical"), "h"), { kind: "ack" }, "of the same app");
    assert.equal(numbersOf(sent()).at(-1), "+49301");
  });

test("an app with many endpoints that are not ours keeps only itself waiting, and its critical probes nobody else", async () => {
  const isForeign = (to: OutboundDelivery["endpoint"]) => to.channel === "sms" && to.phoneNumber.startsWith("+4930");
  const { circuits, dispatch, sent } = pod([scriptedProvider("twilio", ({ endpoint }) => (isForeign(endpoint) ? foreign : accepted))]);
  for (let i = 0; i < AMBIGUOUS_ENDPOINTS_MIN; i++) await dispatch(await textTo(`+4930${i}`, "critical", "stray"), "h");
  const late = await dispatch(await textTo("+4915199", "critical", "stray"), "h");
  assert.ok(late.kind === "ack" && late.waitsMs! > 0, "the app's own texts wait");
  assert.match(world.lines.join(), /"circuit":"twilio\/default app stray","reason":"misconfigured: 21612"/);
  for (let i = 0; i < 5; i++) {
    assert.deepEqual(await dispatch(await textTo(`+4915${i}`, "marketing", "shop"), "h"), { kind: "ack" });
    assert.equal(numbersOf(sent()).at(-1), `+4915${i}`);
    world.clock.advance(OPEN_LONGEST_CRITICAL_MS);
    const before = sent().length;
    const probe = await circuits.choose({ ...(await textTo(`+49309${i}`, "critical", "stray")), attempt: 1 });
    assert.ok(probe.kind === "call" && probe.probes.length === 1);
    circuits.record(probe, foreign);
    assert.equal(sent().length, before);
  }
});

test("a country that fails delays no other country, and its texts leave by the second provider alone", async () => {
  const closed: Outcome = { kind: "misconfigured", reason: "region-not-enabled", scope: "destination-country" };
  const first = scriptedProvider("twilio", ({ endpoint }) =>
    endpoint.channel === "sms" && endpoint.phoneNumber.startsWith("+91") ? closed : accepted,
  );
  const second = scriptedProvider("vonage", () => accepted);
  const { dispatch } = pod([first, second]);
  for (let i = 0; i < SETUP_ENDPOINTS_MIN; i++) await dispatch(await textTo(`+9198765${i}`), "h");
  await dispatch(await textTo("+91987659"), "h");
  for (let i = 0; i < 20; i++) await dispatch(await textTo(`+49151${i}`, "critical"), "h");
  assert.deepEqual(numbersOf(second.sent), ["+91987659"]);
  assert.equal(numbersOf(first.sent).filter((n) => n.startsWith("+49")).length, 20);
});

test("of 320 tasks that wait for a circuit to close one makes a call, and the others wait for its answer", async () => {
  let answer: ((outcome: Outcome) => void) | undefined;
  let isDown = true;
  const provider = scriptedProvider("twilio", () => (isDown ? down : new Promise<Outcome>((resolve) => (answer = resolve))));
  const { dispatch, sent } = pod([provider]);
  await fail(dispatch);
  isDown = false;
  world.clock.advance(OPEN_FIRST_MS + 5_000);
  const before = sent().length;
  const tasks = await Promise.all(Array.from({ length: 320 }, (_, i) => textTo(`+4930${1_000 + i}`)));
  const settled = tasks.map((task) => dispatch(task, "h"));
  const rest = await Promise.all(settled.slice(1));
  await eventually("the probe is called", () => answer !== undefined);
  assert.equal(sent().length - before, 1);
  assert.ok(rest.every((s) => s.kind === "ack" && s.waitsMs! > 0));
  answer!(accepted);
  assert.deepEqual(await settled[0], { kind: "ack" });
  provider.send = async () => accepted;
  assert.deepEqual(await dispatch(await textTo("+49309"), "h"), { kind: "ack" }, "the circuit is closed");
});

test("a probe that is not made leaves its turn to the next task", async () => {
  let isDown = true;
  const provider = scriptedProvider("twilio", () => (isDown ? down : accepted));
  const { circuits, dispatch, sent } = pod([provider]);
  await fail(dispatch);
  isDown = false;
  world.clock.advance(OPEN_FIRST_MS + 5_000);
  const optedOut = world.setUp({ providers: [provider], circuits, optOut: "opted-out" });
  await optedOut.dispatch(await textTo("+49307"), "h");
  const before = sent().length;
  assert.deepEqual(await dispatch(await textTo("+49308"), "h"), { kind: "ack" });
  assert.equal(sent().length - before, 1);
});

test("a probe whose admission fails leaves its turn to the next task", async () => {
  let isDown = true;
  const provider = scriptedProvider("twilio", () => (isDown ? down : accepted));
  const { circuits, dispatch, sent } = pod([provider]);
  await fail(dispatch);
  isDown = false;
  world.clock.advance(OPEN_FIRST_MS + 5_000);
  const rateLimiter = { take: () => Promise.reject(new Error("defect")) };
  await assert.rejects(world.setUp({ providers: [provider], circuits, rateLimiter }).dispatch(await textTo("+49307"), "h"), /defect/);
  const before = sent().length;
  assert.deepEqual(await dispatch(await textTo("+49308"), "h"), { kind: "ack" });
  assert.equal(sent().length - before, 1);
});

test("a probe whose claim is not confirmed ends once, and not the probe that follows it", async () => {
  let isDown = true;
  const provider = scriptedProvider("twilio", () => (isDown ? down : accepted));
  const { circuits, dispatch } = pod([provider]);
  await fail(dispatch);
  isDown = false;
  world.clock.advance(OPEN_FIRST_MS + 5_000);
  const [own, second, third] = [await textTo("+49306"), await textTo("+49307"), await textTo("+49308")];
  const { attempts } = world.store;
  const passages: string[] = [];
  const store = {
    ...world.store,
    attempts: {
      ...attempts,
      async claim(all: Parameters<typeof attempts.claim>[0]) {
        await attempts.claim(all);
        throw new StoreError("not confirmed by a majority in time");
      },
      async record(all: Parameters<typeof attempts.record>[0]) {
        passages.push((await circuits.choose({ ...second, attempt: 1 })).kind);
        return attempts.record(all);
      },
    },
  };
  await world.setUp({ providers: [provider], circuits, store }).dispatch(own, "h");
  passages.push((await circuits.choose({ ...third, attempt: 1 })).kind);
  assert.deepEqual(passages, ["call", "wait"]);
});

test("new credentials close an open circuit", async () => {
  let outcome: Outcome = wrongKey;
  const { circuits, dispatch, sent } = pod([scriptedProvider("twilio", () => outcome)]);
  await fail(dispatch, "+4930", SETUP_ENDPOINTS_MIN);
  outcome = accepted;
  const before = sent().length;
  await dispatch(await textTo("+49301"), "h");
  assert.equal(sent().length, before);
  circuits.close();
  await dispatch(await textTo("+49302"), "h");
  assert.equal(sent().length, before + 1);
});

/** A provider that has the senders "orders" and "news", and no media. */
const withSenders = (name: string, answer: Parameters<typeof scriptedProvider>[1], senders: readonly string[]): ScriptedProvider => {
  const lacks = ({ sms }: Content) =>
    sms?.mediaUrls ? "media-not-supported" : sms?.sender && !senders.includes(sms.sender) ? "unknown-sender" : undefined;
  return {
    ...scriptedProvider(name, (delivery, call) => {
      const reason = lacks(delivery.content);
      return reason === undefined ? answer(delivery, call) : { kind: "rejected", reason, notCalled: true };
    }),
    route({ content }) {
      const reason = lacks(content);
      return reason === undefined ? { kind: "open", sender: content.sms?.sender } : { kind: "barred", reason };
    },
  };
};
const from = (task: DeliveryTask, sms: Partial<SmsContent>): DeliveryTask => ({ ...task, content: { sms: { text: "hello", ...sms } } });

test("a sender that may not send keeps neither the default one nor other senders waiting", async () => {
  const badSender: Outcome = { kind: "misconfigured", reason: "21606", scope: "sender" };
  const { dispatch, sent } = pod([
    withSenders("twilio", ({ content }) => (content.sms?.sender === "news" ? badSender : accepted), ["orders", "news"]),
  ]);
  for (let i = 0; i < SETUP_ENDPOINTS_MIN; i++) await dispatch(from(await textTo(`+493055${i}`), { sender: "news" }), "h");
  const calls = sent().length;
  const waiting = from(await textTo("+493066"), { sender: "news" });
  await dispatch(waiting, "h");
  assert.equal(sent().length, calls);
  assert.deepEqual((await deliveryOf(waiting)).reason, { code: "misconfigured", detail: "circuit open: 21606" });
  for (const sender of [undefined, "orders"]) {
    const task = from(await textTo("+493067"), { sender });
    await dispatch(task, "h");
    assert.equal((await deliveryOf(task)).state, "sent", sender);
  }
});

test("a text goes only to providers that can send it, and is not tried at others when they fail", async () => {
  const [first, second] = [withSenders("twilio", () => accepted, ["news"]), withSenders("vonage", () => down, ["orders"])];
  const { dispatch } = pod([first, second]);
  const task = from(await textTo("+493055"), { sender: "orders" });
  await dispatch(task, "h");
  assert.deepEqual([first.sent.length, second.sent.length], [0, 1]);
  const { state, nextAt } = await deliveryOf(task);
  assert.ok(state === "pending" && nextAt! > world.clock.now(), "it waits for the one that has its sender");
});

test("a text that no provider can send ends with the reason, without a call, and opens no circuit", async () => {
  const providers = [withSenders("twilio", () => accepted, []), withSenders("vonage", () => accepted, [])];
  const { dispatch } = pod(providers);
  for (const [sms, detail] of [
    [{ sender: "orders" }, "unknown-sender"],
    [{ mediaUrls: ["https://img.example/a.jpg"] }, "media-not-supported"],
  ] as const)
    for (let i = 0; i < 2 * AMBIGUOUS_ENDPOINTS_MIN; i++) {
      const task = from(await textTo(`+4930${detail.length}${i}`), {
        ...sms,
        mediaUrls: "mediaUrls" in sms ? [...sms.mediaUrls] : undefined,
      });
      await dispatch(task, "h");
      const { state, reason } = await deliveryOf(task);
      assert.deepEqual([state, reason], ["failed", { code: "rejected", detail }]);
    }
  const task = from(await textTo("+493077"), {});
  await dispatch(task, "h");
  assert.equal((await deliveryOf(task)).state, "sent");
  assert.doesNotMatch(world.lines.join(), /circuit opened/);
});
