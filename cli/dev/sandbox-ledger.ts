import type { Taken } from "../../operations/audit/audit-breaks.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

/** Who knows what providers took: in rehearsals, the sandbox. */
export interface TakenLedger {
  /** Every delivery ever taken, and how often. The sandbox has it in memory, so it is read as a whole here too. */
  all(): Promise<Taken>;
  /** Of these alone, as of now. */
  of(deliveryIds: readonly string[]): Promise<Taken>;
}

/** Two million deliveries take seconds to be written down. */
const WHOLE_MS = 60_000;
/** What is asked for is queried in memory. */
const SOME_MS = 10_000;
/** Ids in one question: 400 kB of the 1 MiB that is read. */
const IDS_MAX = 10_000;

/** A ledger that is at hand; what it counts later is seen later. */
export const ledgerOf = (taken: Taken): TakenLedger => ({
  all: async () => taken,
  of: async (ids) => new Map(ids.flatMap((id) => (taken.has(id) ? [[id, taken.get(id)!] as const] : []))),
});

/** The ledger of the sandbox at this admin URL. */
export function sandboxLedger(adminUrl: string): TakenLedger {
  async function ask(about: { method: string; body?: string }, waitMs: number): Promise<[string, number][]> {
    const signal = AbortSignal.timeout(waitMs);
    const response = await fetch(new URL("/ledger/acceptances", adminUrl), { ...about, signal }).catch(() => undefined);
    if (!response?.ok)
      throw new OperatorError(
        `the sandbox's ledger does not answer${response ? `: status ${response.status}` : "; is the URL its admin's?"}`,
      );
    return Object.entries((await response.json()) as Record<string, number>);
  }
  return {
    all: async () => new Map(await ask({ method: "GET" }, WHOLE_MS)),
    async of(ids) {
      const found = new Map<string, number>();
      for (let at = 0; at < ids.length; at += IDS_MAX) {
        const body = JSON.stringify({ deliveryIds: ids.slice(at, at + IDS_MAX) });
        for (const [id, times] of await ask({ method: "POST", body }, SOME_MS)) found.set(id, times);
      }
      return found;
    },
  };
}
