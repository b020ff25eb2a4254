import type { Channel } from "../../core/delivery/channel.ts";
import { type Reason, reasonText } from "../../core/delivery/reason.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { SharedCircuits } from "../../core/ports/shared-circuits.ts";
import type { Store } from "../../core/ports/store.ts";
import type { SteeringRecord } from "../../core/steering/steering.ts";
import { targetKey } from "../../core/steering/target.ts";
import { auditRecent, type RecentAudit } from "../../operations/audit/recent-audit.ts";
import { type CircuitName, readCircuits } from "../../operations/status/circuits.ts";
import { readOpenByApp } from "../../operations/status/open-by-app.ts";
import { countFailed } from "../../operations/status/waiting.ts";
import { explain, waitingWords } from "../../operations/why/explain.ts";
import type { Checked, CircuitNow, Steered } from "../view-now.ts";
import { type Kept, keep } from "./kept.ts";
import { shownReason } from "./words.ts";

/** How often it is read again, see keep(). The check of the promises reads up to 2,000 notifications and their attempts, with pauses. */
const AUDIT = { everyMs: 2_000, times: 3 };
/** The count of what failed in 24 h reads up to 10,000 notifications. */
const FAILED = { everyMs: 10_000, times: 20 };
/** The count of what each app has open is one read for each of up to 1,000 apps. */
const BY_APP = { everyMs: 2_000, times: 20 };

export interface ReadingsParts {
  store: Pick<Store, "notifications" | "attempts" | "apps" | "preferences" | "time">;
  clock: Pick<Clock, "now" | "monotonic" | "sleep">;
  /** Of a channel, as its dispatchers share them in Redis. */
  circuits(channel: Channel): Pick<SharedCircuits, "read">;
  /** Whether NATS, from which dispatchers get what is due, can be reached from here; undefined: not known yet. */
  nats: { isConnected(): boolean | undefined };
}

/** What several screens show, read once for all of them. */
export interface Readings {
  recent(): Promise<Kept<RecentAudit>>;
  failed(): Promise<Kept<number>>;
  byApp(): Promise<Kept<Awaited<ReturnType<typeof readOpenByApp>>>>;
  /** Undefined: they cannot be read. */
  circuits(): Promise<{ notClosed: CircuitNow[]; closed: CircuitName[] } | undefined>;
  /** Undefined: not known yet. */
  isNatsConnected(): boolean | undefined;
}

export function createReadings({ store, clock, circuits, nats }: ReadingsParts): Readings {
  return {
    recent: keep(() => auditRecent({ store, clock }), AUDIT, clock),
    failed: keep(() => countFailed(store), FAILED, clock),
    byApp: keep(() => readOpenByApp(store), BY_APP, clock),
    isNatsConnected: () => nats.isConnected(),
    async circuits() {
      const read = await readCircuits(circuits, () => clock.now());
      return (
        read && {
          notClosed: read.notClosed.map(({ reason, ...rest }) => ({
            ...{ ...rest, ...circuitWords(shownReason(reason)) },
          })),
          closed: read.closed,
        }
      );
    },
  };
}

const circuitWords = (reason: Reason): Pick<CircuitNow, "code" | "words" | "tag" | "advice"> => ({
  ...{ code: reason.code, words: waitingWords(reason), tag: reasonText(reason), advice: explain(reason, "pending").advice },
});

/** What was checked, for those who read what it says. */
export const checkedOf = (audit: RecentAudit | undefined): Checked | undefined =>
  audit && { from: audit.from, at: audit.at, notifications: audit.notifications, apps: audit.apps, areAppsCut: audit.areAppsCut };

export const steeredOf = ({ target, to = "", ...rest }: SteeringRecord): Steered => ({ ...rest, to, target: targetKey(target) });
