import type { Clock } from "../core/ports/clock.ts";
import type { NotificationStore } from "../core/ports/notification-store.ts";
import type { SharedReading } from "../core/ports/shared-reading.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import { createStateLog } from "../runtime/state-log.ts";
import { COUNT_READING, MEASURE_EVERY_MS, OPEN_WITHIN_MS } from "./load.ts";

/** What an app has accepted and not ended: due now or soon, or scheduled for later. */
export type OpenKind = "open" | "scheduled";

/** How many notifications of each app are open, and how many are scheduled: counted in the store, plus what was accepted since. */
export interface AppOpen {
  /** Adds up to `wanted` to the count, until the next one, and returns how many there was room for. Counts an app that was not seen lately first. */
  reserve(app: string, kind: OpenKind, wanted: number, max: number): Promise<number>;
  /** Takes back what was reserved. */
  giveBack(app: string, kind: OpenKind, count: number): void;
  /** Counts again at intervals until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Without a call for this long an app is forgotten, and counted again at its next call. */
const FORGET_MS = 60_000;
/** Longest wait of a call for its app's first count, in ms. Without that count, only what is accepted from then on counts. */
const FIRST_COUNT_MS = 500;

interface Known {
  seenAt: number;
  max: number;
  counted: number;
  since: number;
  first: Promise<void> | undefined;
}

export function createAppOpen(
  store: Pick<NotificationStore, "openCountOf">,
  { clock, log, read }: { clock: Clock; log: Logger; read: SharedReading },
): AppOpen {
  const known: Record<OpenKind, Map<string, Known>> = { open: new Map(), scheduled: new Map() };
  const lost = "open notifications of apps could not be counted; the last count stays in use";
  const counting = createStateLog(log, { lost, back: "open notifications of apps are counted again" }, clock.monotonic);

  async function count(app: string, kind: OpenKind, entry: Known): Promise<void> {
    const limit = entry.max + 1;
    const take = () => {
      const edge = clock.now() + OPEN_WITHIN_MS;
      const range = kind === "open" ? { from: 0, until: edge } : { from: edge + 1, until: Number.MAX_SAFE_INTEGER };
      return store.openCountOf(app, range, limit);
    };
    const before = entry.since;
    try {
      entry.counted = await read(`${kind}:${app}:${limit}`, take, COUNT_READING);
      // What was accepted while it was counted may be counted twice, until the next count.
      entry.since -= before;
      counting.works();
    } catch (error) {
      counting.fails({ err: error });
    }
  }

  function entryOf(app: string, kind: OpenKind, max: number): Known {
    const before = known[kind].get(app);
    const entry = before ?? { seenAt: 0, max, counted: 0, since: 0, first: undefined };
    Object.assign(entry, { seenAt: clock.monotonic(), max });
    if (!before) {
      known[kind].set(app, entry);
      const first = withDeadline(count(app, kind, entry), { clock, limitMs: FIRST_COUNT_MS }, () => undefined);
      entry.first = first.finally(() => {
        entry.first = undefined;
      });
    }
    return entry;
  }

  return {
    async reserve(app, kind, wanted, max) {
      const entry = entryOf(app, kind, max);
      if (entry.first) await entry.first;
      // Without a pause between: calls that waited for the same count share the room it found.
      const fits = Math.max(0, Math.min(wanted, max - entry.counted - entry.since));
      entry.since += fits;
      return fits;
    },
    giveBack(app, kind, n) {
      const entry = known[kind].get(app);
      if (entry) entry.since = Math.max(0, entry.since - n);
    },
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(MEASURE_EVERY_MS, signal);
        for (const kind of ["open", "scheduled"] as const)
          for (const [app, entry] of known[kind]) {
            if (signal.aborted) return;
            if (clock.monotonic() - entry.seenAt > FORGET_MS) known[kind].delete(app);
            else await count(app, kind, entry);
          }
      }
    },
  };
}
