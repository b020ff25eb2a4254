import { LRUCache } from "lru-cache";
import type { Clock } from "../core/ports/clock.ts";
import type { TextPart } from "../providers/transport/inbound-text.ts";

/** Texts of which parts are still to come; 2,000 take 3 MB. Beyond it the oldest are forgotten: what is long is no command. */
const WAITING_MAX = 2_000;
/** From the first part of a text to the last, in ms: networks deliver them within seconds. */
export const PARTS_MS_MAX = 60_000;
/** Characters of a part that are kept: one has 153 at most. */
const PART_CHARACTERS_MAX = 200;

/**
 * Joins texts that come in parts, so that the last words of a long one are not taken for a command. They are kept by this process alone: where another one
 * gets the other parts, the text is never whole, and long ones are no commands anyway.
 */
export function createTextParts({ monotonic }: Pick<Clock, "monotonic">) {
  const waiting = new LRUCache<string, { since: number; parts: Map<number, string> }>({ max: WAITING_MAX });
  return {
    /** The whole text with its last part; undefined: parts are missing. @param from of whom, to whom: references repeat */
    join(from: string, { ref, total, index }: TextPart, text: string): string | undefined {
      const key = JSON.stringify([from, ref, total]);
      const now = monotonic();
      const before = waiting.get(key);
      const entry = before !== undefined && now - before.since <= PARTS_MS_MAX ? before : { since: now, parts: new Map<number, string>() };
      entry.parts.set(index, text.slice(0, PART_CHARACTERS_MAX));
      if (entry.parts.size < total) {
        waiting.set(key, entry);
        return undefined;
      }
      waiting.delete(key);
      return [...entry.parts]
        .sort(([a], [b]) => a - b)
        .map(([, part]) => part)
        .join("");
    },
  };
}
