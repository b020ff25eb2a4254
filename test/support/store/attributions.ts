import assert from "node:assert/strict";
import { describe } from "node:test";
import type { AttemptOutcome } from "../../../core/ports/attempt-store.ts";
import { runRace } from "./race.ts";
import { hexId, sampleAttempt, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

const UNANSWERED = { kind: "unanswered", fault: { code: "deadline" } } as const;
const accepted = (providerRef: string) => ({ kind: "accepted", providerRef }) as const;

export function describeAttributions(name: string, test: StoreTest): void {
  describe(`${name}: whose a provider's message is`, () => {
    test("gives a reference to the first attempt that asks, also when it asks again, and to no other", async ({ attempts }) => {
      const [first, second] = [sampleAttempt(), sampleAttempt()];
      await attempts.claim([first, second]);
      for (const [{ id }, is] of [
        [first, true],
        [second, false],
        [first, true],
        [second, false],
      ] as const)
        assert.equal(await attempts.attribute("twilio", "SM1", id), is);
      assert.equal(await attempts.attribute("twilio", "SM2", second.id), true);
      assert.deepEqual(await attempts.find([first.id, second.id]).then((found) => new Set(found)), new Set([first, second]));
    });

    test("gives no reference that is in the outcome of another attempt", async ({ attempts }) => {
      const [lost, twin] = [sampleAttempt(), sampleAttempt()];
      await attempts.claim([lost, twin]);
      await attempts.record([{ id: twin.id, worker: twin.worker, outcome: accepted("SM1"), answeredAt: T0 }]);
      for (let times = 0; times < 2; times++) assert.equal(await attempts.attribute("twilio", "SM1", lost.id), false);
      assert.equal(await attempts.attribute("twilio", "SM1", twin.id), true, "the other attempt has it, independent of the order of calls");
      assert.deepEqual(await attempts.find([twin.id]), [{ ...twin, outcome: accepted("SM1"), answeredAt: T0 }]);
    });

    for (const by of ["receipt", "status-query"] as const)
      test(`gives no reference that a ${by} resolved another attempt with, unanswered or silent`, async ({ attempts }) => {
        const [lost, silent, unanswered] = [sampleAttempt(), sampleAttempt(), sampleAttempt()];
        await attempts.claim([lost, silent, unanswered]);
        await attempts.record([{ id: unanswered.id, worker: undefined, outcome: UNANSWERED, answeredAt: T0 }]);
        for (const { id } of [silent, unanswered]) {
          assert.deepEqual(await attempts.resolve([{ id, resolution: { outcome: accepted(`SM-${id}`), by, at: T0 } }]), [true]);
          assert.equal(await attempts.attribute("twilio", `SM-${id}`, lost.id), false);
          assert.equal(await attempts.attribute("twilio", `SM-${id}`, id), true);
        }
      });

    test("withdraws it from the first that asked once another is known to have it", async ({ attempts }) => {
      const [lost, late] = [sampleAttempt(), sampleAttempt()];
      await attempts.claim([lost, late]);
      assert.equal(await attempts.attribute("twilio", "SM1", lost.id), true);
      await attempts.record([{ id: late.id, worker: undefined, outcome: accepted("SM1"), answeredAt: T0 }]);
      assert.equal(await attempts.attribute("twilio", "SM1", lost.id), false);
      assert.equal(await attempts.attribute("twilio", "SM1", late.id), true);
    });

    test("counts an attempt's own outcome and its own resolution for itself", async ({ attempts }) => {
      const attempt = sampleAttempt();
      await attempts.claim([attempt]);
      await attempts.resolve([{ id: attempt.id, resolution: { outcome: accepted("SM1"), by: "receipt", at: T0 } }]);
      await attempts.record([{ id: attempt.id, worker: undefined, outcome: accepted("SM2"), answeredAt: T0 }]);
      for (const ref of ["SM1", "SM2"]) {
        assert.equal(await attempts.attribute("twilio", ref, sampleAttempt().id), false);
        assert.equal(await attempts.attribute("twilio", ref, attempt.id), true);
      }
    });

    test("ignores references of another provider and of attempts that were not accepted", async ({ attempts }) => {
      const outcomes: AttemptOutcome[] = [
        UNANSWERED,
        { kind: "rejected", reason: "SM1" },
        { kind: "void", state: "expired", reason: { code: "other", detail: "SM1" } },
      ];
      const vonage = sampleAttempt({ provider: "vonage", outcome: accepted("SM1"), answeredAt: T0 });
      const others = outcomes.map((outcome) => sampleAttempt({ outcome, answeredAt: T0 }));
      const lost = sampleAttempt();
      await attempts.claim([vonage, ...others, lost]);
      assert.equal(await attempts.attribute("twilio", "SM1", lost.id), true);
    });

    test("gives each reference to exactly one of several processes", async ({ attempts }, url) => {
      const refs = Array.from({ length: 100 }, () => `SM${hexId()}`);
      const racers = [sampleAttempt(), sampleAttempt(), sampleAttempt()].map(({ id }) => id);
      const won = await runRace(
        url,
        racers.map((id) => ({ kind: "attribute", attemptId: id, refs })),
      );
      assert.deepEqual(won.flat().sort(), [...refs].sort());
      for (const [r, id] of racers.entries()) for (const ref of won[r]!) assert.equal(await attempts.attribute("twilio", ref, id), true);
    });
  });
}
