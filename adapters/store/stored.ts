// The one place that knows shapes in which earlier versions stored what the domain now names otherwise. Both stores read through it, so nothing
// has to be rewritten on disk before this version starts. A change of a stored shape adds its case here, and the data in
// test/support/stored/ proves that what was written before still reads as it did.
import type { Channel } from "../../core/delivery/channel.ts";
import type { Delivery, DeliveryState, EndState, NotificationRecord } from "../../core/delivery/notification.ts";
import { type Reason, reason } from "../../core/delivery/reason.ts";
import type { AttemptOutcome, AttemptRecord, Resolution } from "../../core/ports/attempt-store.ts";
import type { DeliveryCount } from "../../core/ports/notification-store.ts";
import type { Block } from "../../core/preferences/block.ts";
import type { ChangedRecord, ChangeEntry } from "../../core/preferences/change.ts";
import { EVERYTHING, type OptOut, type PreferenceRecord } from "../../core/preferences/opt-out.ts";
import { StoreError } from "./store-error.ts";
import { parseStoredReason } from "./stored-reason.ts";

export interface StoredDelivery extends Omit<Delivery, "reason" | "publishCount"> {
  publishCount?: number | undefined;
  /** The same, by its name until 0.1.0. */
  publications?: number | undefined;
  /** runStart, by its name until 0.1.0. */
  firstAttempt?: number | undefined;
  /** Text until 0.1.0. */
  reason?: Reason | string | undefined;
}
export interface StoredNotification extends Omit<NotificationRecord, "deliveries"> {
  deliveries: StoredDelivery[];
  /** A partition of the outbox, which no relay made use of; until 0.1.0. */
  lane?: number | undefined;
}

export const readNotification = ({ lane: _lane, ...stored }: StoredNotification): NotificationRecord => ({
  ...stored,
  deliveries: stored.deliveries.map(readDelivery),
});

/** Where a field has both names, the old one stands for what was before a change by this version. */
function readDelivery({ reason: stored, publications = 0, publishCount = publications, firstAttempt, ...rest }: StoredDelivery): Delivery {
  const delivery: Delivery = { ...rest, publishCount };
  const why = parseStoredReason(stored, rest.state);
  if (why) delivery.reason = why;
  const runStart = rest.runStart ?? firstAttempt;
  if (runStart !== undefined) delivery.runStart = runStart;
  return delivery;
}

/** Counts deliveries by channel, state and reason code; open ones also by the reason's detail. */
export function createDeliveryCounts() {
  const counts = new Map<string, DeliveryCount>();
  return {
    /** @param sendAt of an open one, when it was to be sent */
    add(channel: Channel, state: DeliveryState, stored: StoredDelivery["reason"], count: number, sendAt?: number): void {
      const { code, detail: text } = parseStoredReason(stored, state) ?? {};
      const detail = sendAt === undefined ? undefined : text;
      const key = `${channel} ${state} ${code} ${detail ?? ""}`;
      const before = counts.get(key);
      const oldest = sendAt === undefined ? undefined : Math.min(before?.oldest ?? sendAt, sendAt);
      const total = (before?.count ?? 0) + count;
      counts.set(key, {
        channel,
        state,
        reason: code,
        ...(detail && { detail }),
        count: total,
        ...(oldest === undefined ? {} : { oldest }),
      });
    },
    all: (): DeliveryCount[] => [...counts.values()],
  };
}

export interface StoredAttempt extends Omit<AttemptRecord, "outcome" | "resolution"> {
  /** A void attempt was called closed until 0.1.0, and its reason was text. */
  outcome?: AttemptOutcome | { kind: "closed"; state: EndState; reason: string } | undefined;
  resolution?: (Omit<Resolution, "by"> & { by: Resolution["by"] | "look-up" }) | undefined;
}

export function readAttempt({ outcome, resolution, ...attempt }: StoredAttempt): AttemptRecord {
  return {
    ...attempt,
    ...(outcome ? { outcome: readOutcome(outcome) } : {}),
    ...(resolution ? { resolution: { ...resolution, by: resolution.by === "look-up" ? "status-query" : resolution.by } } : {}),
  };
}

function readOutcome(stored: NonNullable<StoredAttempt["outcome"]>): AttemptOutcome {
  if (stored.kind !== "closed") return stored;
  return { kind: "void", state: stored.state, reason: parseStoredReason(stored.reason, stored.state) ?? reason("other") };
}

/**
 * A block is stored among the opt-outs, as an opt-out of everything that carries it. A process of an earlier version, which runs beside this one during a
 * rolling upgrade, then obeys it, and keeps it where it replaces the record.
 */
interface StoredOptOut extends OptOut {
  block?: Block | undefined;
}

export interface StoredPreference extends Omit<PreferenceRecord, "optOuts" | "consents" | "blocks"> {
  optOuts?: StoredOptOut[] | undefined;
  /** The same, by its name until 0.1.0. */
  refusals?: StoredOptOut[] | undefined;
  /** Absent: none. Lost where a process of an earlier version replaces the record. */
  consents?: OptOut[] | undefined;
  lastChange?: StoredChange | undefined;
}

/** Throws where neither field is there: a record that cannot be read must not pass for one without opt-outs. */
export function readPreference(stored: StoredPreference): PreferenceRecord {
  const { app, subject, version, optOuts, refusals, consents = [], withdrawn, updatedAt } = stored;
  const known = optOuts ?? refusals;
  if (!known)
    throw new StoreError(`the preferences of app ${app} hold neither optOuts nor refusals: they were written by an unknown version`);
  const blocks = known.flatMap(({ block }) => block ?? []);
  const own = known.filter(({ block }) => block === undefined);
  return { app, subject, version, optOuts: own, consents, blocks, ...(withdrawn && { withdrawn }), updatedAt };
}

/** Without the last change, for a store that writes the history at the same moment. */
export function storedPreference(record: PreferenceRecord): StoredPreference {
  const { app, subject, version, optOuts, consents, blocks, withdrawn, updatedAt } = record;
  const all: StoredOptOut[] = [...optOuts, ...blocks.map((block): StoredOptOut => ({ ...EVERYTHING, block }))];
  return { app, subject, version, optOuts: all, ...(consents.length > 0 && { consents }), ...(withdrawn && { withdrawn }), updatedAt };
}

/**
 * Opt-outs under both names: a process of 0.1.0 or earlier would otherwise find none, and replace the record by one without them. It writes
 * `refusals` alone, which readPreference() then takes.
 */
export function writePreference(record: ChangedRecord): StoredPreference & { lastChange: StoredChange } {
  const stored = storedPreference(record);
  return { ...stored, refusals: stored.optOuts, lastChange: writeChange(record.lastChange) };
}

/** A change of a subject; its key holds the rest. */
export type StoredChange = Omit<ChangeEntry, "app" | "subject">;

export const writeChange = ({ version, at, origin, before, after }: ChangeEntry): StoredChange => ({ version, at, origin, before, after });
