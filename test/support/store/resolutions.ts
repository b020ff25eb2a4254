import assert from "node:assert/strict";
import { describe } from "node:test";
import type { AttemptOutcome, Resolution } from "../../../core/ports/attempt-store.ts";
import { runRace } from "./race.ts";
import { sampleAttempt, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

const UNANSWERED = { kind: "unanswered", fault: { code: "deadline", detail: "$a.b" } } as const;

const resolution = (ref: string, by: Resolution["by"] = "receipt"): Resolution => ({
  outcome: { kind: "accepted", providerRef: ref },
  by,
  at: T0 + 9,
});

export function describeResolutions(name: string, test: StoreTest): void {
  describe(`${name}: resolutions`, () => {
    test("resolves an attempt without an outcome and one unanswered, and keeps what else is known of it", async (store) => {
      const [silent, unanswered] = [sampleAttempt(), sampleAttempt({ redrive: 2 })];
      await store.attempts.claim([silent, unanswered]);
      await store.attempts.record([{ id: unanswered.id, worker: "worker-a", outcome: UNANSWERED, answeredAt: T0 + 1 }]);
      const results = [silent, unanswered].map(({ id }) => ({ id, resolution: resolution("$ref", "status-query") }));
      assert.deepEqual(await store.attempts.resolve(results), [true, true]);
      assert.deepEqual(await store.attempts.find([silent.id]), [{ ...silent, resolution: resolution("$ref", "status-query") }]);
      const expected = { ...unanswered, outcome: UNANSWERED, answeredAt: T0 + 1, resolution: resolution("$ref", "status-query") };
      assert.deepEqual(await store.attempts.find([unanswered.id]), [expected]);
    });

    test("lets the first resolution stay", async (store) => {
      const attempt = sampleAttempt();
      await store.attempts.claim([attempt]);
      const bounced: Resolution = { outcome: { kind: "rejected", reason: "bounced" }, by: "receipt", at: T0 + 10 };
      assert.deepEqual(await store.attempts.resolve([{ id: attempt.id, resolution: resolution("first") }]), [true]);
      assert.deepEqual(await store.attempts.resolve([{ id: attempt.id, resolution: bounced }]), [false]);
      assert.deepEqual((await store.attempts.find([attempt.id]))[0]?.resolution, resolution("first"));
    });

    test("resolves no attempt that was answered, void or never claimed", async (store) => {
      const outcomes: AttemptOutcome[] = [
        { kind: "accepted", providerRef: "r" },
        { kind: "throttled", retryAfterMs: undefined, reason: "429" },
        { kind: "void", state: "cancelled", reason: { code: "other" } },
      ];
      const attempts = outcomes.map((outcome) => sampleAttempt({ outcome, answeredAt: T0 }));
      const before = sampleAttempt();
      await store.attempts.claim([...attempts, before]);
      await store.attempts.record([{ id: before.id, worker: undefined, outcome: outcomes[0]!, answeredAt: T0 }]);
      const ids = [...attempts, before, { id: "none/1" }].map(({ id }) => ({ id, resolution: resolution("late") }));
      assert.deepEqual(await store.attempts.resolve(ids), [false, false, false, false, false]);
      for (const { id } of ids) assert.equal((await store.attempts.find([id]))[0]?.resolution, undefined);
    });

    test("records the outcome of an attempt resolved before, beside what resolved it", async (store) => {
      const attempt = sampleAttempt();
      await store.attempts.claim([attempt]);
      await store.attempts.resolve([{ id: attempt.id, resolution: resolution("ref") }]);
      const record = (outcome: AttemptOutcome) => store.attempts.record([{ id: attempt.id, worker: "worker-a", outcome, answeredAt: T0 }]);
      assert.deepEqual(await record(UNANSWERED), [true]);
      assert.deepEqual(await record({ kind: "accepted", providerRef: "late" }), [false]);
      const expected = { ...attempt, outcome: UNANSWERED, answeredAt: T0, resolution: resolution("ref") };
      assert.deepEqual(await store.attempts.find([attempt.id]), [expected]);
    });

    test("returns for each of many whether it was stored, the first of equal ids", async (store) => {
      const attempts = Array.from({ length: 30 }, (_, i) =>
        sampleAttempt(i % 3 ? {} : { outcome: { kind: "accepted", providerRef: "r" } }),
      );
      await store.attempts.claim(attempts);
      const results = attempts.map(({ id }) => ({ id, resolution: resolution("first") }));
      const again = { id: attempts[1]!.id, resolution: resolution("second") };
      const taken = await store.attempts.resolve([...results, again]);
      assert.deepEqual(taken, [...attempts.map((_, i) => i % 3 !== 0), false]);
      assert.deepEqual((await store.attempts.find([again.id]))[0]?.resolution, resolution("first"));
      assert.deepEqual(await store.attempts.resolve([]), []);
    });

    test("takes each resolution from exactly one of several processes", async (store, url) => {
      const attempts = Array.from({ length: 150 }, () => sampleAttempt());
      await store.attempts.claim(attempts);
      const deliveryIds = attempts.map((a) => a.deliveryId);
      const workers = ["a", "b"];
      const won = await runRace(
        url,
        workers.map((worker) => ({ kind: "resolve", worker, deliveryIds })),
      );
      assert.deepEqual(won.flat().sort(), [...deliveryIds].sort());
      for (const [w, worker] of workers.entries())
        for (const found of await store.attempts.find(won[w]!.map((id) => `${id}/1`)))
          assert.deepEqual(found.resolution?.outcome, { kind: "accepted", providerRef: worker });
    });

    test("lets an outcome and a resolution that race stand beside each other, or the outcome alone", async (store, url) => {
      const attempts = Array.from({ length: 150 }, () => sampleAttempt());
      await store.attempts.claim(attempts);
      const deliveryIds = attempts.map((a) => a.deliveryId);
      const [recorded, resolved] = await runRace(url, [
        { kind: "record", worker: "a", deliveryIds },
        { kind: "resolve", worker: "b", deliveryIds },
      ]);
      assert.equal(recorded?.length, deliveryIds.length, "no resolution keeps an outcome out");
      const found = await store.attempts.find(attempts.map((a) => a.id));
      assert.ok(found.every((a) => a.outcome?.kind === "accepted"));
      const standing = found.filter((a) => a.resolution).map((a) => a.deliveryId);
      assert.deepEqual(standing.sort(), resolved?.sort());
    });
  });
}
