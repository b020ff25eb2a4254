import { LRUCache } from "lru-cache";
import type { Clock } from "../core/ports/clock.ts";
import type { InboundText, TextPart } from "../providers/transport/inbound-text.ts";

/** Texts of which parts are missing, or whose change is not stored yet: 2,000 take 3 MB. Beyond it the oldest are forgotten; a text of several parts is hardly a command. */
const WAITING_MAX = 2_000;
/** From the first part of a text to the last, in ms: networks deliver them within seconds. */
export const PARTS_MS_MAX = 60_000;
/** For how long a whole text is kept whose change could not be stored, in ms: the provider repeats its last part for a day. */
export const WHOLE_MS_MAX = 86_400_000;
/** Characters of a part that are kept: one has 153 at most. */
const PART_CHARACTERS_MAX = 200;

interface Waiting {
  since: number;
  parts: Map<number, Pick<InboundText, "id" | "text">>;
}

/** A whole text. */
export interface Joined {
  text: string;
  /** The smallest id of its parts: the same whichever came last. */
  id: string;
  /** Once what it asks for is durable. Until then its last part, repeated, makes it whole again. */
  forget(): void;
}

/**
 * Joins texts that come in parts, so that the last words of a long one are not taken for a command. They are kept by this process alone: where another one
 * gets the other parts, the text is never whole, and long ones are no commands anyway.
 */
export function createTextParts({ monotonic }: Pick<Clock, "monotonic">) {
  const waiting = new LRUCache<string, Waiting>({ max: WAITING_MAX });
  return {
    /** The whole text with its last part; undefined: parts are missing. @param from of whom, to whom: references repeat */
    join(from: string, { ref, total, index }: TextPart, { id, text }: Pick<InboundText, "id" | "text">): Joined | undefined {
      const key = JSON.stringify([from, ref, total]);
      const now = monotonic();
      const before = waiting.get(key);
      const entry = before && isOf(before, { total, index, id, now }) ? before : { since: now, parts: new Map() };
      entry.parts.set(index, { id, text: text.slice(0, PART_CHARACTERS_MAX) });
      waiting.set(key, entry);
      if (entry.parts.size < total) return undefined;
      const parts = [...entry.parts].sort(([a], [b]) => a - b).map(([, part]) => part);
      return {
        text: parts.map((part) => part.text).join(""),
        id: parts.map((part) => part.id).reduce((least, other) => (other < least ? other : least)),
        forget: () => void (waiting.get(key) === entry && waiting.delete(key)),
      };
    },
  };
}

/** Whether a part belongs to what waits: not where that waits for too long, or has another text's part in its place. */
function isOf({ since, parts }: Waiting, part: { total: number; index: number; id: string; now: number }): boolean {
  const known = parts.get(part.index);
  const msMax = parts.size === part.total ? WHOLE_MS_MAX : PARTS_MS_MAX;
  return part.now - since <= msMax && (known === undefined || known.id === part.id);
}
