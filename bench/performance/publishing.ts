import { setTimeout as delay } from "node:timers/promises";
import { streamName } from "../../core/delivery/subjects.ts";
import type { Store } from "../../core/ports/store.ts";
import type { Side } from "../compare/rounds.ts";
import { duePush } from "../due-push.ts";
import { takeQueued } from "../queued.ts";
import type { World } from "../world.ts";

/** What a world's relays are started with: they notice within 15 ms what is due, and publish nothing twice while the bench runs. */
export const RELAY_ENV = { RELAY_POLL_MS: "10", WATCHDOG_FIRST_MS: "600000" };
/** Of duePush(). */
const STREAM = streamName("fcm");
/** Records per insert. */
const GROUP = 500;
/** First guess of how long an insert takes, ms per record; then as long as the last one took. */
const INSERT_MS = 1;
/** Time from the end of the inserts to the due moment: as long as they took, and this, in ms. */
const LEAD_MS = 200;
const TRIES_MAX = 4;
/** Limit of a slice, also on a busy machine. */
const SLICE_MS_MAX = 60_000;
/** More than a relay's lease lasts, and less than RELAY_ENV's watchdog waits: what is due until then has been leased and not changed. */
const LEASED_MS = 30_000;

/**
 * Has a world's relays publish notifications that are stored beforehand and become due in one moment, the start of the slice. The slice ends when the last one
 * is in the stream; the stream is emptied then.
 */
export function createPublishing(world: World, { notifications }: Store): Required<Pick<Side, "prepare" | "run">> {
  let [made, insertMs, dueAt] = [Date.now() * 1_000, INSERT_MS, 0];

  /** Stores them; false where it took so long that some were due before. */
  async function insert(items: number): Promise<boolean> {
    const began = Date.now();
    dueAt = began + Math.ceil(2 * insertMs * items) + LEAD_MS;
    const records = Array.from({ length: items }, () => duePush(++made, dueAt));
    for (let i = 0; i < items; i += GROUP) await notifications.insert(records.slice(i, i + GROUP));
    insertMs = (Date.now() - began) / items;
    return Date.now() < dueAt;
  }

  /** Resolves with when the last one was in the stream, by performance.now(), once relays have stored that they published them. */
  const published = (items: number): Promise<number> =>
    takeQueued(world, STREAM, {
      ...{ tasks: items, limitMs: SLICE_MS_MAX },
      isDone: async () => (await notifications.openCount(1, Date.now() + LEASED_MS)) === 0,
    });

  return {
    async prepare(items) {
      for (let tries = 1; !(await insert(items)); tries++) {
        if (tries === TRIES_MAX) throw new Error(`${items} records cannot be stored before they are due`);
        await published(items);
      }
      await delay(dueAt - Date.now());
    },
    async run(items) {
      const began = performance.now() - (Date.now() - dueAt);
      return { items, ms: (await published(items)) - began };
    },
  };
}
