import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorkload } from "../adapters/nats/report.ts";
import { isCall, notCalled, type Outcome } from "../core/delivery/outcome.ts";
import type { OutboundDelivery, Provider } from "../core/ports/provider.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { scriptedProvider } from "../test/support/scripted-provider.ts";
import { instrumented } from "./instrumented.ts";

const fault = { code: "reset" };
const OUTCOMES: readonly [Outcome, failed: number][] = [
  [{ kind: "accepted", providerRef: "ref" }, 0],
  [{ kind: "throttled", retryAfterMs: undefined, reason: "429" }, 1],
  [{ kind: "unavailable", fault }, 1],
  [notCalled("no-connection-slot"), 0],
  [{ kind: "unanswered", fault }, 1],
  [{ kind: "endpoint-gone", reason: "gone", goneAt: undefined }, 0],
  [{ kind: "rejected", reason: "too long" }, 0],
  [{ kind: "misconfigured", reason: "bad key" }, 1],
];
const delivery = { deliveryId: "d" } as OutboundDelivery;
const { signal } = new AbortController();

for (const [outcome, failed] of OUTCOMES)
  test(`${isCall(outcome) ? "a call that is" : "what was not called, and so"} ${outcome.kind} ${failed ? "fails by" : "is not"} the provider's fault`, async () => {
    const clock = createFakeClock();
    const workload = createWorkload(clock);
    const provider = scriptedProvider("twilio", () => {
      clock.advance(100);
      return outcome;
    });
    assert.deepEqual(await instrumented(provider, workload).send(delivery, signal), outcome);
    assert.deepEqual(workload.take(), { parked: 0, called: 1, failed, busyMs: 100 });
    assert.deepEqual(provider.sent, [delivery]);
  });

test("an adapter that throws has failed, and its error is passed on", async () => {
  const workload = createWorkload(createFakeClock());
  const provider = scriptedProvider("twilio", () => assert.fail("a bug"));
  await assert.rejects(instrumented(provider, workload).send(delivery, signal), /a bug/);
  assert.equal(workload.take().failed, 1);
});

test("it keeps the provider's status query", async () => {
  const workload = createWorkload(createFakeClock());
  let disposed = false;
  const provider: Provider = {
    ...scriptedProvider("twilio", () => assert.fail()),
    statusQuery: async () => ({ kind: "absent" }),
    [Symbol.asyncDispose]: async () => {
      disposed = true;
    },
  };
  const wrapped = instrumented(provider, workload);
  assert.equal(wrapped.name, "twilio");
  const question = { attemptId: "d/1", deliveryId: "d", endpoint: { channel: "sms", number: "+1" }, content: {}, startedAt: 0 };
  assert.deepEqual(await wrapped.statusQuery?.(question as never, signal), { kind: "absent" });
  assert.equal(workload.take().called, 0);
  await wrapped[Symbol.asyncDispose]();
  assert.ok(disposed);
  assert.equal(
    instrumented(
      scriptedProvider("apns", () => assert.fail()),
      workload,
    ).statusQuery,
    undefined,
  );
});
