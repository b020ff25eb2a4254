import type { PreferenceChange } from "../../core/preferences/change.ts";
import type { OptOut } from "../../core/preferences/opt-out.ts";

/** A change as the app itself makes it: opt-outs to add, and choices to forget. */
export const changing = (optOut: readonly OptOut[], forget: readonly OptOut[] = []): PreferenceChange => ({ optOut, forget, origin: {} });
