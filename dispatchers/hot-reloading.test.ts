import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { notCalled, type Outcome } from "../core/delivery/outcome.ts";
import type { OutboundDelivery, Provider, StatusQuery } from "../core/ports/provider.ts";
import { createLogger } from "../runtime/logger.ts";
import { hotReloading } from "./hot-reloading.ts";

const { signal } = new AbortController();
const delivery = { deliveryId: "d" } as OutboundDelivery;
const question = { attemptId: "d/1" } as StatusQuery;
const misconfigured: Outcome = { kind: "misconfigured", reason: "bad key" };

/** Answers on request, and records whether it was disposed of. */
function account(by: string) {
  const calls: ((outcome: Outcome) => void)[] = [];
  const state = { calls, disposed: 0 };
  const provider: Provider = {
    name: "twilio",
    route: () => ({ kind: "open", sender: by }),
    send: () => new Promise((resolve) => calls.push(resolve)),
    statusQuery: async () => ({ kind: "unreadable", fault: { code: by } }),
    async [Symbol.asyncDispose]() {
      state.disposed++;
    },
  };
  return { ...state, provider, isDisposed: () => state.disposed > 0, disposals: () => state.disposed };
}
const accepted = (providerRef: string): Outcome => ({ kind: "accepted", providerRef });

function setUp() {
  const lines: string[] = [];
  const [old, next] = [account("old"), account("next")];
  const provider = hotReloading(old.provider, createLogger("test", "info", { write: (line) => void lines.push(line) }));
  return { old, next, provider, lines };
}

test("a replaced provider is closed once its calls have ended, while new calls use the next one", async () => {
  const { old, next, provider } = setUp();
  const first = provider.send(delivery, signal);
  provider.replace(next.provider);
  const second = provider.send(delivery, signal);
  assert.deepEqual(provider.route?.(delivery), { kind: "open", sender: "next" });
  assert.deepEqual(await provider.statusQuery?.(question, signal), { kind: "unreadable", fault: { code: "next" } });
  assert.deepEqual([old.calls.length, next.calls.length], [1, 1]);
  next.calls[0]!(accepted("next"));
  assert.deepEqual(await second, accepted("next"));
  assert.equal(old.isDisposed(), false);
  old.calls[0]!(accepted("old"));
  assert.deepEqual(await first, accepted("old"));
  await turn();
  assert.deepEqual([old.disposals(), next.disposals()], [1, 0]);
  await provider[Symbol.asyncDispose]();
  assert.deepEqual([old.disposals(), next.disposals()], [1, 1]);
});

test("a replaced provider without calls is closed at once; one that never answers, with the role", async () => {
  const { old, next, provider } = setUp();
  const last = account("last");
  provider.replace(next.provider);
  await turn();
  assert.ok(old.isDisposed());
  void provider.send(delivery, signal);
  provider.replace(last.provider);
  await turn();
  assert.equal(next.isDisposed(), false);
  await provider[Symbol.asyncDispose]();
  assert.deepEqual([old.disposals(), next.disposals(), last.disposals()], [1, 1, 1]);
});

test("a rejection of credentials that were replaced meanwhile counts as not sent, and is retried", async () => {
  const { old, next, provider } = setUp();
  const rejected = provider.send(delivery, signal);
  provider.replace(next.provider);
  old.calls[0]!(misconfigured);
  assert.deepEqual(await rejected, notCalled("credentials-replaced"));
  const rejectedToo = provider.send(delivery, signal);
  next.calls[0]!(misconfigured);
  assert.deepEqual(await rejectedToo, misconfigured);
  await provider[Symbol.asyncDispose]();
});

test("a replaced provider that cannot be closed is logged, and stops nothing else", async () => {
  const { old, next, provider, lines } = setUp();
  old.provider[Symbol.asyncDispose] = () => Promise.reject(new Error("stuck"));
  provider.replace(next.provider);
  await turn();
  assert.match(lines.join(), /"level":"warn".*"provider":"twilio"/);
  await provider[Symbol.asyncDispose]();
});
