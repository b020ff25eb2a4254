import type { LedgerEntry } from "../kit/ledger.ts";
import { type Counts, INBOX_CHANNELS, type InboxChannel, type Summary } from "./view.ts";

/** All that is given must hold. */
export interface Query {
  /** The recipient, whole: an address, a number, a token, a subscription's URL or name. */
  to?: string | undefined;
  channel?: InboxChannel | undefined;
  /** Each of these words is somewhere in the recipient, the texts or an id. */
  words?: string | undefined;
  /** Only messages with a greater id. */
  after?: number | undefined;
  accepted?: boolean | undefined;
}

interface Searchable {
  summary: Summary;
  /** Lower case. */
  words: string;
}

/** Characters of a recipient: push URLs are the longest. */
const TO_CHARACTERS_MAX = 2_048;
/** Characters of a search. */
const QUERY_CHARACTERS_MAX = 200;
/** Characters of a message that are searched. */
const SEARCHED_CHARACTERS = 4_000;

/** What a search looks at: recipient, texts and ids. */
export function wordsOf({ to, title, body, push, provider }: Summary, { deliveryId, attemptId, answer }: LedgerEntry): string {
  return [to, provider, answer, deliveryId, attemptId, title, push?.subtitle ?? "", body]
    .join("\n")
    .slice(0, SEARCHED_CHARACTERS)
    .toLowerCase();
}

export function fits({ to, channel, words = "", after, accepted }: Query, { summary, words: searched }: Searchable): boolean {
  if (after !== undefined && summary.id <= after) return false;
  if (channel !== undefined && summary.channel !== channel) return false;
  if (accepted !== undefined && summary.accepted !== accepted) return false;
  if (to !== undefined && to.toLowerCase() !== summary.to.toLowerCase() && to !== summary.toShort) return false;
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => searched.includes(word));
}

export function countsOf(summaries: readonly Summary[]): Counts {
  const counts: Counts = { all: summaries.length, push: 0, sms: 0, email: 0 };
  for (const { channel } of summaries) counts[channel]++;
  return counts;
}

/** The parameters of a search, beside `others`; a RangeError names what is wrong with one. */
export function queryOf(given: URLSearchParams, others: readonly string[] = []): Query {
  const known = ["to", "channel", "q", "after", "accepted", ...others];
  for (const name of given.keys())
    if (!known.includes(name)) throw new RangeError(`there is no parameter of this name; known are ${known.join(", ")}`);
  const one = (name: string) => given.get(name) || undefined;
  const [to, channel, words, accepted] = [one("to"), one("channel"), one("q"), one("accepted")];
  if (to !== undefined && to.length > TO_CHARACTERS_MAX)
    throw new RangeError(`to has at most ${TO_CHARACTERS_MAX} characters, not ${to.length}`);
  if (words !== undefined && words.length > QUERY_CHARACTERS_MAX)
    throw new RangeError(`q has at most ${QUERY_CHARACTERS_MAX} characters, not ${words.length}`);
  const knownChannel = INBOX_CHANNELS.find((name) => name === channel);
  if (channel !== undefined && knownChannel === undefined) throw new RangeError(`channel is one of ${INBOX_CHANNELS.join(", ")}`);
  if (accepted !== undefined && accepted !== "true" && accepted !== "false") throw new RangeError("accepted is true or false");
  return {
    ...{ to, channel: knownChannel, words, after: whole(given, "after", 0, Number.MAX_SAFE_INTEGER) },
    accepted: accepted === undefined ? undefined : accepted === "true",
  };
}

/** An integer parameter; undefined where it is not given. */
export function whole(given: URLSearchParams, name: string, low: number, high: number): number | undefined {
  const text = given.get(name);
  if (text === null || text === "") return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < low || value > high) throw new RangeError(`${name} is an integer from ${low} to ${high}`);
  return value;
}

/** A duration parameter ("30s", "500ms", "30000") in ms; undefined where it is not given. */
export function duration(given: URLSearchParams, name: string, highMs: number): number | undefined {
  const text = given.get(name);
  if (text === null || text === "") return undefined;
  const [, digits = "", unit = "ms"] = /^(\d{1,9})(ms|s)?$/.exec(text) ?? [];
  const ms = Number(digits) * (unit === "s" ? 1_000 : 1);
  if (digits === "" || ms > highMs) throw new RangeError(`${name} is a duration such as 30s, 500ms or 500, and at most ${highMs / 1_000}s`);
  return ms;
}
