import { StoreError } from "../adapters/store/store-error.ts";
import type { PreferenceChange } from "../core/preferences/change.ts";
import type { PreferenceRecord } from "../core/preferences/opt-out.ts";
import type { PreferenceAccess } from "./choices.ts";

/** Changes of a subject among which a repetition is looked for: providers repeat within a day, and nobody changes their mind so often. */
const HISTORY_MAX = 100;

/**
 * Changes a subject unless this was done before: providers repeat, sometimes after a later word of the same person. The evidence of a change names what
 * it comes from, and is the same in each repetition.
 * @param changeOf what has to change in the record; undefined: nothing
 * @returns whether something was changed; "too-many": it would make more choices than there may be. Rejects with a StoreError where the store is
 * unavailable.
 */
export async function changeOnce(
  preferences: PreferenceAccess,
  { app, subject }: { app: string; subject: string },
  changeOf: (record: PreferenceRecord) => PreferenceChange | undefined,
): Promise<"changed" | "known" | "too-many"> {
  const record = (await preferences.get(app, subject)) ?? unavailable();
  const change = changeOf(record);
  if (change === undefined) return "known";
  if (record.version > 0) {
    const earlier = (await preferences.history(app, subject, record.version + 1, HISTORY_MAX)) ?? unavailable();
    if (earlier.some(({ origin }) => origin.evidence === change.origin.evidence)) return "known";
  }
  const updated = (await preferences.update(app, subject, change)) ?? unavailable();
  return updated.tooMany ? "too-many" : "changed";
}

export function unavailable(): never {
  throw new StoreError("preferences could not be read or changed");
}
