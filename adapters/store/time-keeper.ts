import type { Clock } from "../../core/ports/clock.ts";
import type { Store } from "../../core/ports/store.ts";
import { STEP_MS, type SteadyClock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

/** Furthest that a process's clock may be from the store's: two processes then differ by less than the relay's CLOCK_SKEW_MS. */
const TIME_OFF_MAX_MS = 2_000;
/** How often a clock that stepped is compared with the store's. */
const COMPARE_EVERY_MS = 2_000;
/** A clock that did not step is compared in every fifth round, so every 10 s: small corrections are followed, and may add up. */
const DRIFT_ROUNDS = 5;

/** How long a start waits until the clocks agree, in ms: a failover may bring another member's clock, and NTP corrects small differences. */
const AGREE_WAIT_MS = 20_000;
/** A difference, in ms, that waiting does not mend. */
const TIME_FAR_OFF_MS = 60_000;

/**
 * Resolves once this machine's clock agrees with the store's. Throws an OperatorError where they still differ after AGREE_WAIT_MS by so much that
 * processes would contradict each other; which of the two is wrong cannot be known here.
 */
export async function awaitRightTime(store: Pick<Store, "time">, clock: SteadyClock, log: Logger): Promise<void> {
  const giveUpAt = clock.monotonic() + AGREE_WAIT_MS;
  for (let tries = 1; ; tries++) {
    const off = Math.round(await offStore(store, clock.now));
    if (Math.abs(off) <= TIME_OFF_MAX_MS) return;
    if (Math.abs(off) > TIME_FAR_OFF_MS || clock.monotonic() >= giveUpAt)
      throw new OperatorError(
        `this machine's clock is ${off} ms off the store's (at most ${TIME_OFF_MAX_MS}): live claims would be declared lost; set right whichever of the two is wrong (NTP)`,
      );
    if (tries === 1) log.warn({ offMs: off }, "this machine's clock and the store's differ: waiting until they agree");
    await clock.sleep(COMPARE_EVERY_MS);
  }
}

/**
 * Keeps the old time when the machine's clock steps, until the store's clock agrees with the new time. Logs a clock that drifts. Runs until `signal` aborts.
 */
export async function keepTime(store: Pick<Store, "time">, clock: SteadyClock, log: Logger, signal: AbortSignal): Promise<void> {
  let logged = false;
  let drifts = false;
  for (let round = 1; !signal.aborted; round++) {
    await clock.sleep(COMPARE_EVERY_MS, signal);
    const off = clock.offBy();
    if (off === 0) {
      logged = false;
      if (round % DRIFT_ROUNDS !== 0) continue;
      const drift = await offStore(store, clock.now).catch(() => undefined);
      if (drift === undefined) continue;
      if (!drifts && Math.abs(drift) > TIME_OFF_MAX_MS)
        log.error({ offMs: Math.round(drift) }, "this machine's clock has drifted away from the store's: set it right (NTP)");
      drifts = Math.abs(drift) > TIME_OFF_MAX_MS;
      continue;
    }
    const machine = () => clock.now() + clock.offBy();
    const wrong = await offStore(store, machine).catch(() => undefined);
    if (wrong !== undefined && Math.abs(wrong) <= STEP_MS) {
      clock.adopt();
      log.warn({ steppedMs: Math.round(off) }, "the machine's clock stepped and the store's clock agrees: using the new time");
    } else if (!logged) {
      logged = true;
      log.error({ steppedMs: Math.round(off) }, "the machine's clock stepped away from the store's: ignoring it until both agree");
    }
  }
}

/** The store's time, and how long ago it last answered with it, in ms; counted from the start where it has not yet. */
export function listenToStore(store: Pick<Store, "time">, clock: Pick<Clock, "monotonic">): Pick<Store, "time"> & { silentMs(): number } {
  let answeredAt = clock.monotonic();
  return {
    async time() {
      const time = await store.time();
      answeredAt = clock.monotonic();
      return time;
    },
    silentMs: () => clock.monotonic() - answeredAt,
  };
}

/** How far a clock is ahead of the store's, in ms, corrected by half the round trip. */
async function offStore(store: Pick<Store, "time">, now: () => number): Promise<number> {
  const before = now();
  const theirs = await store.time();
  return (before + now()) / 2 - theirs;
}
