import type { FaultUse } from "./faults.ts";
import { createWatchers } from "./watchers.ts";

/** Entries kept in full, at roughly 2 kB each: 200 MB at most. Older ones are dropped, and still counted. */
export const LEDGER_ENTRIES_MAX = 100_000;
/** Request bodies of the entries kept: mails may have files of many MiB. Older entries are dropped, and still counted. */
const LEDGER_BYTES_MAX = 512 * 1_048_576;
/** Deliveries whose acceptances are counted, at roughly 150 bytes each. */
const LEDGER_DELIVERIES_MAX = 2_000_000;
/** Default deadline of `arrived`, in ms. */
const ARRIVED_WAIT_MS = 90_000;

export interface LedgerEntry {
  provider: string;
  deliveryId: string;
  attemptId: string;
  recipient: string;
  /** Which of the provider's accounts the request says it is of: APNs' team and environment. */
  account?: string | undefined;
  /** The provider accepted the message, even if its answer was then withheld or cut. */
  accepted: boolean;
  /** Short: "200", "410 Unregistered", "no answer". */
  answer: string;
  /** ms since the epoch. */
  receivedAt: number;
  payload: unknown;
  headers: Readonly<Record<string, string>>;
  /** Method and path: "POST /v3/mail/send". Absent where the provider does not speak HTTP. */
  request?: string | undefined;
  /** Size of the request's body. */
  bytes?: number | undefined;
  /** The fault that was ordered for it. */
  fault?: FaultUse | undefined;
}

export interface LedgerFilter {
  deliveryId?: string | undefined;
  provider?: string | undefined;
  /** ms since the epoch, inclusive. */
  since?: number | undefined;
  accepted?: boolean | undefined;
}

export interface LedgerSummary {
  providers: Record<string, { accepted: number; rejected: number }>;
  /** Deliveries accepted at least once. */
  deliveries: number;
  /** Deliveries accepted more than once, with how often; the first thousand. */
  duplicates: Record<string, number>;
  /** Entries that were dropped. */
  forgotten: number;
}

export interface Ledger {
  add(entry: LedgerEntry): void;
  entries(filter?: LedgerFilter): LedgerEntry[];
  summary(): LedgerSummary;
  /** How often each delivery was accepted. */
  acceptances(): ReadonlyMap<string, number>;
  /** Waits until `count` entries match; rejects after `waitMs`. */
  arrived(filter: LedgerFilter, count: number, waitMs?: number): Promise<LedgerEntry[]>;
  /** Calls `told` for each entry from now on. Returns a function that ends it. */
  watch(told: (entry: LedgerEntry) => void): () => void;
  clear(): void;
}

const DUPLICATES_SHOWN_MAX = 1_000;

/** @param providerNames whose requests the summary counts */
export function createLedger(providerNames: readonly string[]): Ledger {
  let kept: LedgerEntry[] = [];
  let bytes = 0;
  let forgotten = 0;
  let providers = zeroes(providerNames);
  const accepted = new Map<string, number>();
  const { tell, watch } = createWatchers<[entry: LedgerEntry]>();

  const entries = (filter: LedgerFilter = {}) => kept.filter((entry) => matches(entry, filter));

  function keepNewest(count: number): void {
    const dropped = kept.slice(0, -count);
    forgotten += dropped.length;
    bytes -= bytesOf(dropped);
    kept = kept.slice(-count);
  }

  /** How many of the newest entries fill nine tenths of LEDGER_BYTES_MAX; at least one. */
  function countWithinBytes(): number {
    let count = 0;
    for (let sum = 0; count < kept.length && sum <= LEDGER_BYTES_MAX * 0.9; count++) sum += kept[kept.length - 1 - count]?.bytes ?? 0;
    return Math.max(1, count - 1);
  }

  return {
    entries,
    watch,
    acceptances: () => accepted,
    add(entry) {
      kept.push(entry);
      bytes += entry.bytes ?? 0;
      // Removed in blocks: removing one at a time would copy the array for each entry.
      if (kept.length > LEDGER_ENTRIES_MAX * 1.1) keepNewest(LEDGER_ENTRIES_MAX);
      if (bytes > LEDGER_BYTES_MAX) keepNewest(countWithinBytes());
      const counts = providers[entry.provider];
      if (counts !== undefined) counts[entry.accepted ? "accepted" : "rejected"] += 1;
      const known = accepted.get(entry.deliveryId);
      if (entry.accepted && entry.deliveryId !== "" && (known !== undefined || accepted.size < LEDGER_DELIVERIES_MAX))
        accepted.set(entry.deliveryId, (known ?? 0) + 1);
      tell(entry);
    },
    summary() {
      const duplicates: Record<string, number> = {};
      let shown = 0;
      for (const [deliveryId, count] of accepted) if (count > 1 && shown++ < DUPLICATES_SHOWN_MAX) duplicates[deliveryId] = count;
      return { providers: structuredClone(providers), deliveries: accepted.size, duplicates, forgotten };
    },
    arrived(filter, count, waitMs = ARRIVED_WAIT_MS) {
      const { promise, resolve, reject } = Promise.withResolvers<LedgerEntry[]>();
      const stop = () => {
        clearTimeout(timer);
        unwatch();
      };
      const check = () => {
        const found = entries(filter);
        if (found.length < count) return;
        stop();
        resolve(found);
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`${entries(filter).length} of ${count} entries arrived within ${waitMs} ms`));
      }, waitMs);
      const unwatch = watch(check);
      check();
      return promise;
    },
    clear() {
      kept = [];
      bytes = 0;
      forgotten = 0;
      providers = zeroes(providerNames);
      accepted.clear();
    },
  };
}

const matches = (entry: LedgerEntry, filter: LedgerFilter) =>
  (filter.deliveryId === undefined || entry.deliveryId === filter.deliveryId) &&
  (filter.provider === undefined || entry.provider === filter.provider) &&
  (filter.since === undefined || entry.receivedAt >= filter.since) &&
  (filter.accepted === undefined || entry.accepted === filter.accepted);

const bytesOf = (entries: readonly LedgerEntry[]) => entries.reduce((sum, { bytes = 0 }) => sum + bytes, 0);

function zeroes(providerNames: readonly string[]): LedgerSummary["providers"] {
  const count = () => ({ accepted: 0, rejected: 0 });
  return Object.fromEntries(providerNames.map((name) => [name, count()]));
}
