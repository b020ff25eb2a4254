import assert from "node:assert/strict";
import { describe } from "node:test";
import { allAttempts } from "../everything.ts";
import { runRace } from "./race.ts";
import { byId, hexId, sampleAttempt, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

export function describeAttempts(name: string, test: StoreTest): void {
  describe(`${name}: attempts`, () => {
    test("gives a claim to the first claimant only", async (store) => {
      const attempt = sampleAttempt();
      assert.deepEqual(await store.attempts.claim([attempt]), [true]);
      assert.deepEqual(await store.attempts.claim([attempt]), [false]);
      assert.deepEqual(await store.attempts.claim([{ ...attempt, worker: "worker-b" }]), [false]);
      assert.deepEqual(await store.attempts.find([attempt.id]), [attempt]);
    });

    test("claims the new among the claimed, and the first of equal ids in one call", async (store) => {
      const [a, b, c] = [sampleAttempt(), sampleAttempt({ policyResend: true }), sampleAttempt()];
      await store.attempts.claim([b]);
      assert.deepEqual(await store.attempts.claim([a, b, c, { ...a, worker: "worker-b" }]), [true, false, true, false]);
      assert.deepEqual(byId(await store.attempts.find([a.id, b.id, c.id, "none/1"])), byId([a, b, c]));
    });

    test("keeps a void attempt", async (store) => {
      const closed = sampleAttempt({
        provider: "",
        outcome: { kind: "void", state: "expired", reason: { code: "expired" } },
        answeredAt: T0,
      });
      await store.attempts.claim([closed]);
      assert.deepEqual(await store.attempts.find([closed.id]), [closed]);
      const late = { id: closed.id, worker: closed.worker, outcome: { kind: "accepted", providerRef: "r" } as const, answeredAt: T0 };
      assert.deepEqual(await store.attempts.record([late]), [false]);
    });

    test("gives each claim to exactly one of several processes", async (store, url) => {
      const deliveryIds = Array.from({ length: 200 }, () => `${hexId()}-0`);
      const workers = ["a", "b", "c"];
      const won = await runRace(
        url,
        workers.map((worker) => ({ kind: "claim", worker, deliveryIds })),
      );
      assert.deepEqual(won.flat().sort(), [...deliveryIds].sort());
      for (const [w, worker] of workers.entries())
        for (const attempt of await store.attempts.find(won[w]!.map((id) => `${id}/1`))) assert.equal(attempt.worker, worker);
    });

    test("records an outcome once: the first stays", async (store) => {
      const attempt = sampleAttempt();
      await store.attempts.claim([attempt]);
      const outcome = { kind: "unanswered", fault: { code: "deadline", detail: "$a.b" } } as const;
      assert.deepEqual(await store.attempts.record([{ id: attempt.id, worker: "worker-a", outcome, answeredAt: T0 + 1 }]), [true]);
      const later = {
        id: attempt.id,
        worker: "worker-a",
        outcome: { kind: "void", state: "cancelled", reason: { code: "other", detail: "x" } } as const,
        answeredAt: T0 + 2,
      };
      assert.deepEqual(await store.attempts.record([later]), [false]);
      assert.deepEqual(await store.attempts.find([attempt.id]), [{ ...attempt, outcome, answeredAt: T0 + 1 }]);
    });

    test("records nothing for another worker, and for any worker where none is named", async (store) => {
      const attempt = sampleAttempt();
      await store.attempts.claim([attempt]);
      const outcome = { kind: "accepted", providerRef: "SM1" } as const;
      const as = (worker: string | undefined) => store.attempts.record([{ id: attempt.id, worker, outcome, answeredAt: T0 }]);
      assert.deepEqual(await as("worker-b"), [false]);
      assert.equal((await store.attempts.find([attempt.id]))[0]?.outcome, undefined);
      assert.deepEqual(await as(undefined), [true]);
    });

    test("returns for each of many outcomes whether it was stored, the first of equal ids", async (store) => {
      const attempts = Array.from({ length: 30 }, (_, i) => sampleAttempt({ worker: i % 2 ? "worker-a" : "worker-b" }));
      await store.attempts.claim(attempts);
      const result = (id: string, ref: string) => ({
        id,
        worker: "worker-a",
        outcome: { kind: "accepted", providerRef: ref } as const,
        answeredAt: T0,
      });
      const results = [...attempts.map((a) => result(a.id, "first")), result(attempts[1]!.id, "second"), result("none/1", "x")];
      assert.deepEqual(await store.attempts.record(results), [...attempts.map((_, i) => i % 2 === 1), false, false]);
      const [found] = await store.attempts.find([attempts[1]!.id]);
      assert.deepEqual(found?.outcome, { kind: "accepted", providerRef: "first" });
    });

    test("stores each outcome of exactly one of several processes", async (store, url) => {
      const attempts = Array.from({ length: 150 }, () => sampleAttempt());
      await store.attempts.claim(attempts);
      const deliveryIds = attempts.map((a) => a.deliveryId);
      const workers = ["a", "b"];
      const won = await runRace(
        url,
        workers.map((worker) => ({ kind: "record", worker, deliveryIds })),
      );
      assert.deepEqual(won.flat().sort(), [...deliveryIds].sort());
      for (const [w, worker] of workers.entries())
        for (const { outcome } of await store.attempts.find(won[w]!.map((id) => `${id}/1`)))
          assert.deepEqual(outcome, { kind: "accepted", providerRef: worker });
    });

    test("stores batches of a thousand and reads all of them back", async (store) => {
      const attempts = Array.from({ length: 1_000 }, () => sampleAttempt());
      assert.ok((await store.attempts.claim(attempts)).every(Boolean));
      assert.ok((await store.attempts.claim(attempts)).every((claimed) => !claimed));
      const outcome = { kind: "throttled", retryAfterMs: undefined, reason: "429" } as const;
      const taken = await store.attempts.record(attempts.map((a) => ({ id: a.id, worker: a.worker, outcome, answeredAt: T0 })));
      assert.ok(taken.every(Boolean));
      const all = await allAttempts(store);
      assert.deepEqual(byId(all), byId(attempts.map((a) => ({ ...a, outcome: { kind: "throttled", reason: "429" }, answeredAt: T0 }))));
    });

    test("accepts empty lists", async (store) => {
      assert.deepEqual(await store.attempts.claim([]), []);
      assert.deepEqual(await store.attempts.record([]), []);
      assert.deepEqual(await store.attempts.find([]), []);
    });
  });
}
