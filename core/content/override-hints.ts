import { OURS } from "./overrides.ts";

/** The last key of a protected path of a push, in any spelling, and what the caller gives instead. */
const INSTEAD: readonly [keys: RegExp, words: string][] = [
  [/^message$/, "give what stands inside of message, without it"],
  [/^(token|fid|topic|condition)$/, "use recipient"],
  [/(^|\.)(ttl|apns-expiration)$/i, "use ttl_seconds"],
  [/\.(collapse_key|tag|topic)$|(^|\.)apns-collapse-id$/i, "use collapse_key"],
  [/^notification\.tag$/i, "use collapse_key"],
  [/^(android|webpush)\.data$/, "use data"],
];

/** What to use instead of a protected path of a push; undefined: nothing, it is Carillon's own. */
export const insteadOf = (path: string): string | undefined => INSTEAD.find(([keys]) => keys.test(path))?.[1];

/** Why an override of a push may not name a path. */
export const refusalOf = (path: string): string => [OURS, insteadOf(path)].filter(Boolean).join("; ");
