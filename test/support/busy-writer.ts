// Writes to a store as gateway, dispatchers, relay and feedback do, in the same order, one write at a time. As a program it works on the store
// that STORE_URL names until it is killed.

import { openStore } from "../../adapters/store/open-store.ts";
import type { Delivery } from "../../core/delivery/notification.ts";
import { type ReasonCode, reason } from "../../core/delivery/reason.ts";
import { voidAttempt } from "../../core/delivery/void-attempt.ts";
import { type AttemptRecord, attemptId, notificationIdOf } from "../../core/ports/attempt-store.ts";
import type { DeliveryChange } from "../../core/ports/notification-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { type SeededRandom, seededRandom } from "../simulation/random.ts";
import { anyChange } from "./changes.ts";
import { sampleNotification } from "./notification-samples.ts";

export const T0 = 1_800_000_000_000;
const LIVES = 40;

export const OUTCOMES = {
  accepted: { kind: "accepted", providerRef: "r" },
  unanswered: { kind: "unanswered", fault: { code: "reset" } },
  unavailable: { kind: "unavailable", fault: { code: "http-503" } },
} as const;

type Numbered = Pick<Delivery, "id" | "attempt">;

export const claimOf = ({ id: deliveryId, attempt: number }: Numbered, over: Partial<AttemptRecord> = {}): AttemptRecord => ({
  ...{ id: attemptId(deliveryId, number), deliveryId, number, worker: "w", provider: "twilio", startedAt: T0, deadlineAt: T0 + 10_000 },
  ...over,
});

const changeOf = (d: Numbered, set: DeliveryChange["set"]): DeliveryChange =>
  anyChange({
    notificationId: notificationIdOf(d.id),
    deliveryId: d.id,
    expect: { attempt: d.attempt, states: ["pending", "uncertain"] },
    set,
  });

export interface Witness {
  /** How often providers accepted each delivery. */
  taken: Map<string, number>;
  /** Deliveries of which a caller knows that they were accepted. */
  accepted: Set<string>;
}

/** Runs this many steps, each one write, of concurrent deliveries. */
export function createBusyWriter(store: Pick<Store, "notifications" | "attempts">, random: SeededRandom, { taken, accepted }: Witness) {
  const lives: AsyncGenerator<void>[] = [];
  let born = 0;
  return async (steps: number): Promise<void> => {
    for (let i = 0; i < steps; i++) {
      if (lives.length < LIVES) lives.push(live(`${random.next()}-${born++}`));
      const at = random.below(lives.length);
      if ((await lives[at]!.next()).done) lives.splice(at, 1);
    }
  };

  async function* live(key: string): AsyncGenerator<void> {
    const n = sampleNotification(key, T0, { notificationClass: random.pick(["critical", "transactional"]) });
    let d = n.deliveries[0]!;
    const change = (set: DeliveryChange["set"]) => store.notifications.change([changeOf(d, set)]);
    const end = (state: "sent" | "failed" | "suppressed", code?: ReasonCode) =>
      change({ state, reason: code && reason(code), nextAt: undefined, endedAt: T0 });
    await store.notifications.insert([n]);
    yield;
    accepted.add(d.id);
    for (;;) {
      yield;
      if (random.chance(0.1)) {
        const closed = { kind: "void", state: "suppressed", reason: { code: "opted-out" } } as const;
        await store.attempts.claim([voidAttempt({ deliveryId: d.id, attempt: d.attempt }, "w", closed, T0)]);
        yield;
        await end("suppressed", "opted-out");
        return;
      }
      await store.attempts.claim([claimOf(d, d.policyResend ? { policyResend: true } : {})]);
      yield;
      const kind = random.pick(["accepted", "accepted", "unanswered", "unavailable", "unavailable"] as const);
      if (kind !== "unavailable") taken.set(d.id, (taken.get(d.id) ?? 0) + 1);
      yield;
      await store.attempts.record([{ id: attemptId(d.id, d.attempt), worker: "w", outcome: OUTCOMES[kind], answeredAt: T0 }]);
      yield;
      if (kind === "accepted") {
        await end("sent");
        return;
      }
      if (kind === "unanswered") {
        await change({ state: "uncertain", uncertainSince: T0, nextAt: T0 + 1 });
        yield;
        if (n.notificationClass !== "critical" || d.policyResend) {
          await end("failed", "outcome-unknown");
          return;
        }
      }
      const next = { attempt: d.attempt + 1, policyResend: kind === "unanswered" || d.policyResend === true };
      await change({ state: "pending", uncertainSince: undefined, nextAt: T0, ...next });
      d = { ...d, ...next };
    }
  }
}

if (import.meta.main) {
  const store = await openStore(process.env.STORE_URL ?? "");
  const work = createBusyWriter(store, seededRandom(Date.now()), { taken: new Map(), accepted: new Set() });
  for (;;) {
    await work(100);
    process.stdout.write(".");
  }
}
