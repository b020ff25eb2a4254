import type { TakenLedger } from "../../operations/audit/ledger.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

/** The sandbox needs seconds to write out two million deliveries. */
const ALL_MS = 60_000;
/** The sandbox answers these from memory. */
const SOME_MS = 10_000;
/** Ids in one request: 400 kB; the sandbox reads at most 1 MiB. */
const IDS_MAX = 10_000;

/** The ledger of the sandbox at this admin URL. */
export function sandboxLedger(adminUrl: string): TakenLedger {
  async function ask(about: { method: string; body?: string }, waitMs: number): Promise<[string, number][]> {
    const signal = AbortSignal.timeout(waitMs);
    const response = await fetch(new URL("/ledger/acceptances", adminUrl), { ...about, signal }).catch(() => undefined);
    if (!response?.ok)
      throw new OperatorError(
        `cannot read the sandbox's ledger${response ? `: status ${response.status}` : "; check that the URL is the sandbox's admin URL"}`,
      );
    return Object.entries((await response.json()) as Record<string, number>);
  }
  return {
    all: async () => new Map(await ask({ method: "GET" }, ALL_MS)),
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
