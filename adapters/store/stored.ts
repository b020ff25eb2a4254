// The one place that knows shapes in which earlier versions stored what the domain now names otherwise. Both stores read through it, so nothing
// has to be rewritten on disk before this version starts. A change of a stored shape adds its case here, and the data in
// test/support/stored/ proves that what was written before still reads as it did.
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import type { AttemptRecord, Resolution } from "../../core/ports/attempt-store.ts";
import type { OptOut, PreferenceRecord } from "../../core/preferences/opt-out.ts";
import { StoreError } from "./store-error.ts";

export type StoredNotification = NotificationRecord;

export const readNotification = (stored: StoredNotification): NotificationRecord => stored;

export interface StoredAttempt extends Omit<AttemptRecord, "resolution"> {
  resolution?: (Omit<Resolution, "by"> & { by: Resolution["by"] | "look-up" }) | undefined;
}

export function readAttempt({ resolution, ...attempt }: StoredAttempt): AttemptRecord {
  if (!resolution) return attempt;
  const { by } = resolution;
  return { ...attempt, resolution: { ...resolution, by: by === "look-up" ? "status-query" : by } };
}

export interface StoredPreference extends Omit<PreferenceRecord, "optOuts"> {
  optOuts?: OptOut[] | undefined;
  /** The same, by its name until 0.1.0. */
  refusals?: OptOut[] | undefined;
}

/** Throws where neither field is there: a record that cannot be read must not pass for one without opt-outs. */
export function readPreference({ app, subject, version, optOuts, refusals, updatedAt }: StoredPreference): PreferenceRecord {
  const known = optOuts ?? refusals;
  if (!known)
    throw new StoreError(`the preferences of app ${app} hold neither optOuts nor refusals: they were written by an unknown version`);
  return { app, subject, version, optOuts: known, updatedAt };
}

/**
 * Under both names: a process of an earlier version, which runs beside this one during a rolling upgrade, would otherwise find no opt-outs,
 * and replace the record by one without them. It writes `refusals` alone, which readPreference() then takes.
 */
export const writePreference = (record: PreferenceRecord): StoredPreference => ({ ...record, refusals: record.optOuts });
