import type { Channel } from "../delivery/channel.ts";

/** An opt-out: of one channel or all ("*"), of one category or all ("*"). */
export interface OptOut {
  channel: Channel | "*";
  category: string;
}

/** The opt-outs of one subject within one app. A subject is a user, or an endpoint regardless of its user. */
export interface PreferenceRecord {
  app: string;
  /** userSubject() or endpointSubject(). */
  subject: string;
  /** Grows by one with each change. */
  version: number;
  optOuts: OptOut[];
  /** ms since the epoch. */
  updatedAt: number;
}

export const userSubject = (userId: string) => `user:${userId}`;
/** @param endpointId hash of the endpoint, so that no address is a key */
export const endpointSubject = (endpointId: string) => `endpoint:${endpointId}`;

/** The opt-outs any of which forbids sending on this channel in this category. */
export const optOutsThatApply = (channel: Channel, category: string): OptOut[] => [
  { channel, category },
  { channel, category: "*" },
  { channel: "*", category },
  { channel: "*", category: "*" },
];

export const isSameOptOut = (a: OptOut, b: OptOut) => a.channel === b.channel && a.category === b.category;

export const isOptedOut = (optOuts: readonly OptOut[], channel: Channel, category: string) =>
  optOuts.some((r) => (r.channel === "*" || r.channel === channel) && (r.category === "*" || r.category === category));

/** The opt-outs after a change; opting in removes exactly the same opt-outs. */
export function changeOptOuts(now: readonly OptOut[], optOut: readonly OptOut[], optIn: readonly OptOut[]): OptOut[] {
  const kept = now.filter((r) => !optIn.some((a) => isSameOptOut(a, r)));
  for (const r of optOut) if (!kept.some((k) => isSameOptOut(k, r))) kept.push(r);
  return kept;
}

/**
 * Opt-outs of one subject that name a category. Each check and each copy to Redis reads all of them, and no person manages more. Those of every
 * category, at most one per channel and one of all, are not limited: an opt-out of everything is always possible.
 */
export const OPT_OUTS_MAX = 1_000;

/** Whether a change would make more opt-outs than there may be; what was there before the limit may stay, and become fewer. */
export const isTooMany = (before: readonly OptOut[], after: readonly OptOut[]): boolean =>
  countLimited(after) > Math.max(OPT_OUTS_MAX, countLimited(before));

const countLimited = (optOuts: readonly OptOut[]) => optOuts.filter(({ category }) => category !== "*").length;
