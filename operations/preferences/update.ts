import type { UpdatedPreference } from "../../core/ports/preference-store.ts";
import type { PreferenceChange } from "../../core/preferences/change.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

/** Changes a subject, as Preferences.update does; undefined: the store did not confirm it. Redis has its refusals before the store does. */
export type UpdatePreferences = (app: string, subject: string, change: PreferenceChange) => Promise<UpdatedPreference | undefined>;

/** Throws where the store did not confirm a change. */
export function storedOrThrow(updated: UpdatedPreference | undefined): void {
  if (!updated)
    throw new OperatorError("the store did not confirm the change, which may be stored all the same: repeating the command is safe");
}
