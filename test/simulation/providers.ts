import type { Outcome } from "../../core/delivery/outcome.ts";
import type { Receipt } from "../../core/delivery/receipt.ts";
import type { Finding, OutboundDelivery, Provider } from "../../core/ports/provider.ts";
import type { Fault, Nature } from "./nature.ts";

/** One provider call, as the dispatchers are configured. */
export const PROVIDER_DEADLINE_MS = 10_000;
const QUICK_MS = [5, 50, 300, 2_000];
const LATE_MS = [100, 3_000, 20_000, 60_000];
/** Receipts come within seconds, or after every wait has ended. */
const RECEIPT_MS = [300, 4_000, 30_000];
const RECEIPT_LATE_MS = 420_000;

/** What providers know, whether or not they told anybody. */
export interface ProviderMemory {
  /** How often they took each delivery, by delivery id. */
  taken: Map<string, number>;
  /** Attempts they have, and how they would answer when asked. */
  attempts: Map<string, Outcome>;
}

interface Plan {
  /** ms until it has the message; absent: it never does. */
  takenAfter?: number;
  /** ms until the adapter says what became of it; absent: never. */
  answeredAfter?: number;
  outcome: Outcome | "throws";
}

const fault = { code: "made-up" };
const accepted: Outcome = { kind: "accepted", providerRef: "r" };
const unanswered: Outcome = { kind: "unanswered", fault };

/** Everything a provider may do with a call, and how often against the others. */
const MISHAPS: readonly [
  share: number,
  fault: Fault,
  plan: (at: { quick: number; late: number; now: number; pick: <T>(of: readonly T[]) => T }) => Plan,
][] = [
  [4, "provider took it, never answered", ({ quick }) => ({ takenAfter: quick, answeredAfter: PROVIDER_DEADLINE_MS, outcome: unanswered })],
  [
    2,
    "provider took it late",
    ({ late }) => ({ takenAfter: PROVIDER_DEADLINE_MS + late, answeredAfter: PROVIDER_DEADLINE_MS, outcome: unanswered }),
  ],
  [
    2,
    "provider took it, answered late",
    ({ quick, late }) => ({ takenAfter: quick, answeredAfter: PROVIDER_DEADLINE_MS + late, outcome: accepted }),
  ],
  [1, "provider took it, adapter threw", ({ quick }) => ({ takenAfter: 0, answeredAfter: quick, outcome: "throws" })],
  [2, "provider took it, line cut", ({ quick }) => ({ takenAfter: quick, answeredAfter: quick, outcome: unanswered })],
  [1, "provider never answered", () => ({ outcome: unanswered })],
  [2, "provider line cut", ({ quick }) => ({ answeredAfter: quick, outcome: unanswered })],
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
  [1, "provider keys wrong", ({ quick }) => ({ answeredAfter: quick, outcome: { kind: "misconfigured", reason: "key" } })],
  [1, "endpoint gone", ({ quick, now }) => ({ answeredAfter: quick, outcome: { kind: "endpoint-gone", reason: "gone", goneAt: now } })],
];
const SHARES = MISHAPS.flatMap((mishap) => Array<(typeof MISHAPS)[number]>(mishap[0]).fill(mishap));

/**
 * @param mishaps the share of calls that do not simply succeed
 * @param receive where receipts go
 */
export function createProviders(nature: Nature, mishaps: number, receive: (receipt: Receipt) => void) {
  const { random, time } = nature;
  const memory: ProviderMemory = { taken: new Map(), attempts: new Map() };

  function take(provider: string, { deliveryId, attemptId }: OutboundDelivery): void {
    memory.taken.set(deliveryId, (memory.taken.get(deliveryId) ?? 0) + 1);
    memory.attempts.set(attemptId, accepted);
    nature.note(provider, `takes ${attemptId}`);
  }

  function sendReceipts(provider: string, attemptId: string): void {
    if (nature.happens("receipt never", 0.3)) return;
    const kinds = random.pick<Receipt["kind"][]>([["accepted"], ["accepted", "delivered"], ["delivered"], ["undelivered"]]);
    let delay = nature.happens("receipt before the answer", 0.2) ? 0 : random.pick(RECEIPT_MS);
    if (nature.happens("receipt late", 0.1)) delay = RECEIPT_LATE_MS;
    const times = nature.happens("receipt twice", 0.2) ? 2 : 1;
    for (const kind of kinds) {
      for (let i = 0; i < times; i++) {
        time.after(delay + random.below(50), () => receive({ attemptId, provider, kind, providerRef: "r", at: time.now() }));
      }
      delay += random.below(5_000);
    }
  }

  function planOf(provider: string): Plan {
    const quick = random.pick(QUICK_MS);
    if (!nature.faulty || !random.chance(mishaps)) return { takenAfter: random.below(quick), answeredAfter: quick, outcome: accepted };
    const [, what, plan] = random.pick(SHARES);
    nature.happened(what);
    nature.note(provider, what);
    return plan({ quick, late: random.pick(LATE_MS), now: time.now(), pick: random.pick });
  }

  /** @param tellsLater it sends receipts, and can be asked about attempts */
  return {
    memory,
    provider(name: string, tellsLater: boolean): Omit<Provider, typeof Symbol.asyncDispose> {
      return {
        name,
        send(delivery) {
          const { takenAfter, answeredAfter, outcome } = planOf(name);
          if (takenAfter !== undefined) {
            time.after(takenAfter, () => {
              take(name, delivery);
              if (tellsLater) sendReceipts(name, delivery.attemptId);
            });
          }
          return new Promise((resolve, reject) => {
            if (answeredAfter === undefined) return;
            time.after(answeredAfter, () => (outcome === "throws" ? reject(new Error("made up")) : resolve(outcome)));
          });
        },
        ...(tellsLater
          ? {
              async statusQuery({ attemptId }): Promise<Finding> {
                await time.sleep(random.pick(QUICK_MS));
                if (nature.happens("status query unreadable", 0.2)) return { kind: "unreadable", fault };
                const outcome = memory.attempts.get(attemptId);
                if (outcome === undefined || nature.happens("status query found nothing", 0.4)) return { kind: "absent" };
                return { kind: "found", outcome };
              },
            }
          : {}),
      };
    },
  };
}
