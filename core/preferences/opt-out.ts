import type { Channel } from "../delivery/channel.ts";
import type { Block } from "./block.ts";

/** What a choice is about: one channel or all ("*"), one category or all ("*"). A refusal among opt-outs, a consent among consents. */
export interface OptOut {
  channel: Channel | "*";
  category: string;
  /** From this moment on it says nothing any more, as after a pause; ms since the epoch. Absent: it stays. */
  until?: number | undefined;
}

/** What one subject within one app chose, and what blocks it. A subject is a user, or an endpoint regardless of its user. */
export interface PreferenceRecord {
  app: string;
  /** userSubject() or endpointSubject(). */
  subject: string;
  /** Grows by one with each change. */
  version: number;
  optOuts: OptOut[];
  /** Choices to be notified. */
  consents: OptOut[];
  /** Of an endpoint. */
  blocks: Block[];
  /** Consents that were withdrawn, the latest last: copies of the record must not hold them. Absent: none. */
  withdrawn?: OptOut[] | undefined;
  /** ms since the epoch. */
  updatedAt: number;
}

/** Of a subject without a record. */
export const noPreferences = (app: string, subject: string): PreferenceRecord => ({
  ...{ app, subject, version: 0, optOuts: [], consents: [], blocks: [] },
  updatedAt: 0,
});

/** Whether a text is a user's id as carillon.v1.Subject has it. Under any other id, a choice would hold for nobody. */
export const isUserId = (text: string): boolean => /^[!-~]{1,128}$/.test(text);
const USER_PREFIX = "user:";
export const userSubject = (userId: string) => `${USER_PREFIX}${userId}`;
/** Undefined: the subject is no user. */
export const userIdOf = (subject: string) => (subject.startsWith(USER_PREFIX) ? subject.slice(USER_PREFIX.length) : undefined);
const ENDPOINT_PREFIX = "endpoint:";
/** @param endpointId hash of the endpoint, so that no address is a key */
export const endpointSubject = (endpointId: string) => `${ENDPOINT_PREFIX}${endpointId}`;
/** Undefined: the subject is no endpoint. */
export const endpointIdOf = (subject: string) => (subject.startsWith(ENDPOINT_PREFIX) ? subject.slice(ENDPOINT_PREFIX.length) : undefined);

export const EVERYTHING: OptOut = { channel: "*", category: "*" };

/** What choices that apply to this channel and category are about, the narrowest first. */
export const choicesThatApply = (channel: Channel, category: string): OptOut[] => [
  { channel, category },
  { channel: "*", category },
  { channel, category: "*" },
  EVERYTHING,
];

export const isSameOptOut = (a: OptOut, b: OptOut) => a.channel === b.channel && a.category === b.category;

/** Equal for choices about the same. */
export const choiceKey = ({ channel, category }: OptOut): string => `${channel} ${category}`;

/** When a choice ends, in ms since the epoch; infinity where it has no end. */
export const endOf = ({ until = Number.POSITIVE_INFINITY }: OptOut): number => until;

/** Those of `choices` that are not in `others` with the same end. */
export function lacking(choices: readonly OptOut[], others: readonly OptOut[]): OptOut[] {
  const keyOf = (choice: OptOut) => `${choiceKey(choice)} ${choice.until}`;
  const known = new Set(others.map(keyOf));
  return choices.filter((choice) => !known.has(keyOf(choice)));
}

/**
 * Choices of one subject that name a category. Each check and each copy to Redis reads all of them, and no person manages more. Those of every
 * category, at most one per channel and one of all, are not limited: an opt-out of everything is always possible.
 */
export const OPT_OUTS_MAX = 1_000;

/** Whether a change would make more choices than there may be; what was there before the limit may stay, and become fewer. */
export const isTooMany = (before: readonly OptOut[], after: readonly OptOut[]): boolean =>
  countLimited(after) > Math.max(OPT_OUTS_MAX, countLimited(before));

const countLimited = (optOuts: readonly OptOut[]) => optOuts.filter(({ category }) => category !== "*").length;
