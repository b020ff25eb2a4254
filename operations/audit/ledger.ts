import type { Taken } from "./audit-breaks.ts";

/** Knows which deliveries providers accepted; in rehearsals that is the sandbox. */
export interface TakenLedger {
  /** Every delivery ever accepted, and how often. */
  all(): Promise<Taken>;
  /** Only these deliveries, as of now. */
  of(deliveryIds: readonly string[]): Promise<Taken>;
}

/** A ledger over a map in memory; later changes of the map are seen. */
export const ledgerOf = (taken: Taken): TakenLedger => ({
  all: async () => taken,
  of: async (ids) => new Map(ids.flatMap((id) => (taken.has(id) ? [[id, taken.get(id)!] as const] : []))),
});
