import type { Clock, Random } from "../core/ports/clock.ts";
import type { DueStore } from "../core/ports/due-store.ts";
import type { Logger } from "../runtime/logger.ts";
import { createSampledLog } from "../runtime/sampled-log.ts";
import { createStateLog } from "../runtime/state-log.ts";

/** How long leased records belong to this process; if it dies, another leases them then. */
export const LEASE_MS = 15_000;
/** Records of one iteration: one round trip's worth; with 1,000-byte documents half a megabyte. */
export const LEASE_MAX = 500;
/**
 * Pause between two polls while due records wait for room in a queue, in ms, unless the usual one is shorter. A pod that sends 3,000 a second empties its queue in
 * some 30 ms: with 50 ms one dispatcher got 1,600 a second at most, however fast it was; with 10 ms 2,700. It doubles, up to the second, with each poll that
 * leases nothing: the queue may not move for hours.
 */
export const CROWDED_POLL_MS = 10;
const CROWDED_POLL_MS_MAX = 80;

/** When an iteration's records were leased, and when the facts about them had been read; ms since the epoch. */
export interface Moment {
  leasedAt: number;
  now: number;
}

/** A kind of durable record that becomes due, and what to do then. */
export interface OutboxKind<R, F, E> {
  store: DueStore<R> & { readonly leftDue?: boolean };
  /** Reads what evaluation needs about these records. */
  gather(records: readonly R[], leasedAt: number): Promise<F>;
  /** Pure: what is to be done about one record. */
  evaluate(record: R, moment: Moment, facts: F): readonly E[];
  /**
   * Applies the effects. A crash between two of them must lose nothing, and applying one twice must be harmless: the record is due again when its
   * lease ends, unless an effect moved its due moment.
   */
  apply(effects: readonly E[], moment: Moment): Promise<{ stuck: boolean }>;
}

export interface Iteration {
  leased: number;
  /** No effect could be applied because what they need is unavailable or full: the next iteration waits. */
  stuck: boolean;
}

export interface Outbox {
  /** Leases what is due now, up to LEASE_MAX records, evaluates it and applies the effects. */
  iterate(): Promise<Iteration>;
  /** Iterates until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface OutboxParts {
  /** How long to wait when nothing was due. */
  pollMs: number;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Called when records were leased: a failpoint. */
  leased?: () => void;
  /** Called with the start of each iteration that succeeded; ms since the epoch. */
  succeeded?: (startedAt: number) => void;
}

/** lease → evaluate → apply, for one kind of record. Any number of processes may do this side by side. */
export function createOutbox<R extends { id: string }, F, E>(kind: OutboxKind<R, F, E>, parts: OutboxParts): Outbox {
  const { pollMs, clock, random, log } = parts;
  const lost = "relay iterations fail; what they leased becomes due again";
  const state = createStateLog(log, { lost, back: "relay iterations succeed again" }, clock.monotonic);

  const logFault = createSampledLog(log, "a due record cannot be evaluated; it is tried again when its lease ends", clock.monotonic);

  /** One record that cannot be evaluated must not hold back those that are leased with it again and again. Throws where none can be. */
  function evaluateAll(records: readonly R[], moment: Moment, facts: F): E[] {
    const effects: E[] = [];
    let failed = 0;
    for (const record of records)
      try {
        effects.push(...kind.evaluate(record, moment, facts));
      } catch (error) {
        if (++failed === records.length) throw error;
        logFault("evaluation", { err: error, record: record.id });
      }
    return effects;
  }

  async function iterate(): Promise<Iteration> {
    const leasedAt = clock.now();
    const records = await kind.store.leaseDue(leasedAt, leasedAt + LEASE_MS, LEASE_MAX);
    if (records.length === 0) return { leased: 0, stuck: false };
    parts.leased?.();
    const facts = await kind.gather(records, leasedAt);
    // Read after the facts: a wait that starts now must not start before the answer it follows from.
    const moment = { leasedAt, now: clock.now() };
    const effects = evaluateAll(records, moment, facts);
    const { stuck } = await kind.apply(effects, moment);
    return { leased: records.length, stuck };
  }

  return {
    iterate,
    async run(signal) {
      let crowdedMs = CROWDED_POLL_MS;
      while (!signal.aborted) {
        const startedAt = clock.now();
        let pauseMs = pollMs;
        try {
          const { leased, stuck } = await iterate();
          parts.succeeded?.(startedAt);
          state.works();
          // More may be due, however few were leased: other processes lease too. Not where nothing could be done about it.
          const isCrowded = leased === 0 && kind.store.leftDue === true;
          if (isCrowded) pauseMs = Math.min(pollMs, crowdedMs);
          crowdedMs = isCrowded ? Math.min(2 * crowdedMs, CROWDED_POLL_MS_MAX) : CROWDED_POLL_MS;
          if (leased > 0 && !stuck) continue;
        } catch (error) {
          state.fails({ err: error });
        }
        await clock.sleep(pauseMs * (0.5 + random()), signal);
      }
    },
  };
}
