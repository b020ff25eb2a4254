import type { Channel } from "../delivery/channel.ts";

/** A refusal: of one channel or all ("*"), of one category or all ("*"). */
export interface Refusal {
  channel: Channel | "*";
  category: string;
}

/** What one subject (a user, or an endpoint whoever uses it) refused within one app. */
export interface PreferenceRecord {
  app: string;
  /** userSubject() or endpointSubject(). */
  subject: string;
  /** Grows by one with each change. */
  version: number;
  refusals: Refusal[];
  /** ms since the epoch. */
  updatedAt: number;
}

export const userSubject = (userId: string) => `user:${userId}`;
/** @param endpointId hash of the endpoint, so that no address is a key */
export const endpointSubject = (endpointId: string) => `endpoint:${endpointId}`;

/** The refusals any of which forbids sending on this channel in this category. */
export const refusalsThatForbid = (channel: Channel, category: string): Refusal[] => [
  { channel, category },
  { channel, category: "*" },
  { channel: "*", category },
  { channel: "*", category: "*" },
];

export const sameRefusal = (a: Refusal, b: Refusal) => a.channel === b.channel && a.category === b.category;

export const isRefused = (refusals: readonly Refusal[], channel: Channel, category: string) =>
  refusals.some((r) => (r.channel === "*" || r.channel === channel) && (r.category === "*" || r.category === category));

/** The refusals after a change; allow takes back what was refused word for word. */
export function changeRefusals(now: readonly Refusal[], refuse: readonly Refusal[], allow: readonly Refusal[]): Refusal[] {
  const kept = now.filter((r) => !allow.some((a) => sameRefusal(a, r)));
  for (const r of refuse) if (!kept.some((k) => sameRefusal(k, r))) kept.push(r);
  return kept;
}
