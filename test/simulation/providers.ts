import type { Outcome } from "../../core/delivery/outcome.ts";
import type { Receipt } from "../../core/delivery/receipt.ts";
import type { Finding, OutboundDelivery, Provider } from "../../core/ports/provider.ts";
import type { Fault, Simulation } from "./simulation.ts";

/** One provider call, as the dispatchers are configured. */
export const PROVIDER_DEADLINE_MS = 10_000;
const QUICK_MS = [5, 50, 300, 2_000];
const LATE_MS = [100, 3_000, 20_000, 60_000];
/** Receipts come within seconds, or after every wait has ended. */
const RECEIPT_MS = [300, 4_000, 30_000];
const RECEIPT_LATE_MS = 420_000;
const DAY_MS = 86_400_000;

const fault = { code: "made-up" };

/** What every call meets during an outage. */
const OUTAGES: readonly Outcome[] = [
  { kind: "unavailable", fault },
  { kind: "unavailable", fault, retryAfterMs: 31_536_000_000 },
  { kind: "throttled", retryAfterMs: 60_000, reason: "429" },
  { kind: "misconfigured", reason: "key" },
];

/** What the providers accepted, whether or not they answered. */
export interface ProviderMemory {
  /** How often they accepted each delivery, by delivery id. */
  taken: Map<string, number>;
  /** Attempts they accepted, and the outcome that a status query returns. */
  attempts: Map<string, Outcome>;
}

interface Plan {
  /** ms until the provider accepts the message; absent: it never does. */
  acceptedAfter?: number;
  /** ms until the adapter returns the outcome; absent: never. */
  answeredAfter?: number;
  outcome: Outcome | "throws";
}

const accepted: Outcome = { kind: "accepted", providerRef: "r" };
const unanswered: Outcome = { kind: "unanswered", fault };

/** The faults of a provider call, with their relative weights. */
const MISHAPS: readonly [
  share: number,
  fault: Fault,
  plan: (at: { quick: number; late: number; now: number; pick: <T>(of: readonly T[]) => T }) => Plan,
][] = [
  [
    4,
    "provider accepted, never answered",
    ({ quick }) => ({ acceptedAfter: quick, answeredAfter: PROVIDER_DEADLINE_MS, outcome: unanswered }),
  ],
  [
    2,
    "provider accepted late",
    ({ late }) => ({ acceptedAfter: PROVIDER_DEADLINE_MS + late, answeredAfter: PROVIDER_DEADLINE_MS, outcome: unanswered }),
  ],
  [
    2,
    "provider accepted, answered late",
    ({ quick, late }) => ({ acceptedAfter: quick, answeredAfter: PROVIDER_DEADLINE_MS + late, outcome: accepted }),
  ],
  [1, "provider accepted, adapter threw", ({ quick }) => ({ acceptedAfter: 0, answeredAfter: quick, outcome: "throws" })],
  [2, "provider accepted, connection cut", ({ quick }) => ({ acceptedAfter: quick, answeredAfter: quick, outcome: unanswered })],
  [1, "provider never answered", () => ({ outcome: unanswered })],
  [2, "provider connection cut", ({ quick }) => ({ answeredAfter: quick, outcome: unanswered })],
  [
    6,
    "provider rejected",
    ({ quick, pick }) => ({
      answeredAfter: quick,
      outcome: pick<Outcome>([
        { kind: "unavailable", fault },
        { kind: "unavailable", fault, retryAfterMs: 20_000 },
        { kind: "throttled", retryAfterMs: 3_000, reason: "429" },
        { kind: "throttled", retryAfterMs: undefined, reason: "429" },
        { kind: "rejected", reason: "content" },
      ]),
    }),
  ],
  [1, "provider credentials wrong", ({ quick }) => ({ answeredAfter: quick, outcome: { kind: "misconfigured", reason: "key" } })],
  [1, "endpoint gone", ({ quick, now }) => ({ answeredAfter: quick, outcome: { kind: "endpoint-gone", reason: "gone", goneAt: now } })],
];
const SHARES = MISHAPS.flatMap((mishap) => Array<(typeof MISHAPS)[number]>(mishap[0]).fill(mishap));

/**
 * @param mishaps the share of calls that meet a fault
 * @param receive called with each receipt
 */
export function createProviders(simulation: Simulation, mishaps: number, receive: (receipt: Receipt) => void) {
  const { random, time } = simulation;
  const memory: ProviderMemory = { taken: new Map(), attempts: new Map() };

  let downUntil = 0;
  let down: Outcome | undefined;

  function accept(provider: string, { deliveryId, attemptId }: OutboundDelivery): void {
    memory.taken.set(deliveryId, (memory.taken.get(deliveryId) ?? 0) + 1);
    memory.attempts.set(attemptId, accepted);
    simulation.note(provider, `accepts ${attemptId}`);
  }

  function sendReceipts(provider: string, attemptId: string): void {
    if (simulation.happens("receipt never", 0.3)) return;
    const kinds = random.pick<Receipt["kind"][]>([["accepted"], ["accepted", "delivered"], ["delivered"], ["undelivered"]]);
    let delay = simulation.happens("receipt before the answer", 0.2) ? 0 : random.pick(RECEIPT_MS);
    if (simulation.happens("receipt late", 0.1)) delay = RECEIPT_LATE_MS;
    const times = simulation.happens("receipt twice", 0.2) ? 2 : 1;
    for (const kind of kinds) {
      for (let i = 0; i < times; i++) {
        time.after(delay + random.below(50), () => receive({ attemptId, provider, kind, providerRef: "r", at: time.now() }));
      }
      delay += random.below(5_000);
    }
  }

  function planOf(provider: string): Plan {
    const quick = random.pick(QUICK_MS);
    if (time.now() < downUntil && down) return { answeredAfter: quick, outcome: down };
    if (!simulation.faulty || !random.chance(mishaps))
      return { acceptedAfter: random.below(quick), answeredAfter: quick, outcome: accepted };
    const [, what, plan] = random.pick(SHARES);
    simulation.happened(what);
    simulation.note(provider, what);
    return plan({ quick, late: random.pick(LATE_MS), now: time.now(), pick: random.pick });
  }

  /** @param sendsReceipts whether the provider sends receipts and answers status queries */
  return {
    memory,
    /** No provider accepts anything for this long. */
    failFor(ms: number) {
      downUntil = time.now() + ms;
      down = random.pick(OUTAGES);
      simulation.happened(ms < DAY_MS / 2 ? "provider down for a while" : "provider down for most of a day");
      simulation.note("provider", `down for ${ms} ms: ${down.kind}`);
    },
    provider(name: string, sendsReceipts: boolean): Omit<Provider, typeof Symbol.asyncDispose> {
      return {
        name,
        send(delivery) {
          const { acceptedAfter, answeredAfter, outcome } = planOf(name);
          if (acceptedAfter !== undefined) {
            time.after(acceptedAfter, () => {
              accept(name, delivery);
              if (sendsReceipts) sendReceipts(name, delivery.attemptId);
            });
          }
          return new Promise((resolve, reject) => {
            if (answeredAfter === undefined) return;
            time.after(answeredAfter, () => (outcome === "throws" ? reject(new Error("made up")) : resolve(outcome)));
          });
        },
        ...(sendsReceipts
          ? {
              async statusQuery({ attemptId }): Promise<Finding> {
                await time.sleep(random.pick(QUICK_MS));
                if (simulation.happens("status query unreadable", 0.2)) return { kind: "unreadable", fault };
                const outcome = memory.attempts.get(attemptId);
                if (outcome === undefined || simulation.happens("status query found nothing", 0.4)) return { kind: "absent" };
                return { kind: "found", outcome };
              },
            }
          : {}),
      };
    },
  };
}
