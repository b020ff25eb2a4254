import type { Channel } from "../../core/delivery/channel.ts";
import { reasonText } from "../../core/delivery/reason.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { SharedCircuits } from "../../core/ports/shared-circuits.ts";
import type { Store } from "../../core/ports/store.ts";
import type { SteeringRecord } from "../../core/steering/steering.ts";
import { targetKey } from "../../core/steering/target.ts";
import { auditRecent, type RecentAudit } from "../../operations/audit/recent-audit.ts";
import { type CircuitName, readCircuits } from "../../operations/status/circuits.ts";
import { countFailed } from "../../operations/status/waiting.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Checked, CircuitNow, Steered } from "../view-now.ts";
import { freeText } from "./sight.ts";
import { waitingWords } from "./words.ts";

/** How old the check of the promises may be when it is made again, in ms: it reads up to 2,000 notifications and their attempts. */
const AUDIT_MS = 15_000;
/** The same of the count of what failed in 24 h, which reads up to 10,000 notifications. */
const FAILED_MS = 30_000;
/** How old an answer may be that is given to the next who asks, in ms: a count reads up to 100,000 notifications. */
const FRESH_MS = 2_000;

export interface LookParts {
  store: Pick<Store, "notifications" | "attempts" | "apps" | "preferences" | "time">;
  clock: Pick<Clock, "now" | "monotonic" | "sleep">;
  /** Of a channel, as its dispatchers share them in Redis. */
  circuits(channel: Channel): Pick<SharedCircuits, "read">;
  /** Whether NATS, from which dispatchers get what is due, can be reached from here; undefined: not known yet. */
  nats: { isConnected(): boolean | undefined };
}

/** What was found in the background, and how the last reading failed. */
export interface Kept<T> {
  value: T | undefined;
  /** Empty: it did not. */
  fault: string;
}

/** What several screens show, read once for all of them. */
export interface Look {
  recent(): Kept<RecentAudit>;
  failed(): Kept<number>;
  /** Undefined: they cannot be read. */
  circuits(): Promise<{ notClosed: CircuitNow[]; closed: CircuitName[] } | undefined>;
  /** Undefined: not known yet. */
  isNatsConnected(): boolean | undefined;
}

export function createLook({ store, clock, circuits, nats }: LookParts): Look {
  return {
    recent: keep(() => auditRecent({ store, clock }), AUDIT_MS, clock),
    failed: keep(() => countFailed(store), FAILED_MS, clock),
    isNatsConnected: () => nats.isConnected(),
    async circuits() {
      const read = await readCircuits(circuits, () => clock.now());
      return (
        read && {
          notClosed: read.notClosed.map(({ reason, ...rest }) => ({
            ...{ ...rest, words: waitingWords(reason.code), tag: freeText(reasonText(reason)) },
          })),
          closed: read.closed,
        }
      );
    },
  };
}

/** Reads again, in the background and once at a time, when somebody asks and what is there is older than `everyMs`. */
function keep<T>(read: () => Promise<T>, everyMs: number, clock: Pick<Clock, "monotonic">): () => Kept<T> {
  const kept: Kept<T> = { value: undefined, fault: "" };
  let nextAt = Number.NEGATIVE_INFINITY;
  let isReading = false;
  return () => {
    if (!isReading && clock.monotonic() >= nextAt) {
      isReading = true;
      read()
        .then(
          (value) => Object.assign(kept, { value, fault: "" }),
          (error: unknown) => Object.assign(kept, { fault: faultOf(error) }),
        )
        .finally(() => {
          isReading = false;
          nextAt = clock.monotonic() + everyMs;
        });
    }
    return kept;
  };
}

/** For everybody who is signed in. Only the text of an error that is meant for people is free of what was read. */
const faultOf = (error: unknown): string =>
  error instanceof OperatorError ? error.message : `an error of ours (${error instanceof Error ? error.name : "error"})`;

/** One reading for all who ask within FRESH_MS. One that fails is not kept. */
export function shared<T>(read: () => Promise<T>): () => Promise<T> {
  let last: { at: number; answer: Promise<T> } | undefined;
  return () => {
    const at = performance.now();
    if (last === undefined || at - last.at > FRESH_MS) {
      last = { at, answer: read() };
      last.answer.catch(() => {
        last = undefined;
      });
    }
    return last.answer;
  };
}

/** What was checked, for those who read what it says. */
export const checkedOf = (audit: RecentAudit | undefined): Checked | undefined =>
  audit && { from: audit.from, at: audit.at, notifications: audit.notifications, apps: audit.apps, areAppsCut: audit.areAppsCut };

export const steeredOf = ({ target, to = "", ...rest }: SteeringRecord): Steered => ({ ...rest, to, target: targetKey(target) });
