import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { openStore } from "../adapters/store/open-store.ts";
import type { Store } from "../core/ports/store.ts";
import type { SmsCommand } from "../core/preferences/sms-words.ts";
import type { TextReplies, TextReply } from "../providers/transport/webhook.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { createFakeClock, type FakeClock } from "../test/support/fake-clock.ts";
import type { ReceivedText } from "./inbound-texts.ts";
import { createFeedbackMetrics } from "./metrics.ts";
import { createReplies, type ReplyParts } from "./replies.ts";

const PERSON = "+447700900123";
let store: Store;
let sent: TextReply[];
let clock: FakeClock;
beforeEach(async () => {
  store = await openStore("sqlite::memory:");
  sent = [];
  clock = createFakeClock();
});
afterEach(() => store[Symbol.asyncDispose]());

const received = (id: string, over: Partial<ReceivedText["text"]> = {}, pools: string[] = [""]): ReceivedText => ({
  ...{ provider: "vonage", account: "default", pools },
  text: { id, from: PERSON, to: ["12025550123"], text: "stop", sentAt: 1_000, ...over },
});

function setUp(over: Partial<ReplyParts> = {}) {
  const registry = createMetrics("test");
  const metrics = createFeedbackMetrics(registry);
  const parts = { caps: store.caps, isRefused: async () => false, clock, log: createLogger("test", "silent"), metrics, ...over };
  const replies: TextReplies = {
    textOf: (command) => (command === "start" ? undefined : "You are unsubscribed."),
    fault: () => undefined,
    load: async () => async (reply) => {
      sent.push(reply);
      return { kind: "accepted", providerRef: "r" };
    },
  };
  // As two pods.
  const pods = [createReplies(parts), createReplies(parts)];
  return {
    async take(text: ReceivedText, command: SmsCommand = "stop") {
      for (const pod of pods) pod.begin({ replies, received: text, command, settings: {} });
      await Promise.all(pods.map((pod) => pod.settled()));
    },
    results: async () => (await metrics.replies.get()).values.map(({ labels, value }) => [labels.result, value]),
  };
}

test("a text is answered once, from the number that it was written to, in however many pods it is repeated", async () => {
  const { take, results } = setUp();
  await take(received("a"));
  await take(received("a"));
  assert.deepEqual(sent, [{ from: "12025550123", to: PERSON, text: "You are unsubscribed." }]);
  assert.deepEqual(Object.fromEntries(await results()), { accepted: 1, repeated: 3 });
  await take(received("b"));
  assert.equal(sent.length, 2, "another text");
});

test("a repetition at any time of two days is none, whatever time the provider gives it", async () => {
  const { take } = setUp();
  for (let hours = 0; hours <= 48; hours++) {
    await take(received("a", { sentAt: clock.now() }), "help");
    clock.advance(3_600_000);
  }
  assert.equal(sent.length, 1);
});

for (const [what, over, parts] of [
  ["who refused in another way than by STOP", {}, { isRefused: async () => true }],
  ["a part of a long text", { part: { ref: "1", total: 2, index: 2 } }, {}],
] as const)
  test(`nothing is sent to ${what}`, async () => {
    await setUp(parts).take(received("a", over));
    assert.deepEqual(sent, []);
  });

test("nothing is sent where it is switched off", async () => {
  const { take, results } = setUp();
  await take(received("a"), "start");
  assert.deepEqual([sent, await results()], [[], []]);
});

test("nothing is sent from a number that the account does not have, nor where the claim is not known to be stored", async () => {
  await setUp().take(received("a", {}, []));
  const caps: ReplyParts["caps"] = {
    take: async (places) => {
      await store.caps.take(places);
      throw new Error("no confirmation");
    },
  };
  const { take, results } = setUp({ caps });
  await take(received("b"));
  await setUp().take(received("b"));
  assert.deepEqual([sent.length, await results()], [0, [["failed", 2]]]);
});
