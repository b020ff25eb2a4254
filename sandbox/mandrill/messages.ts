import { type Fields, fieldsOf, listOf, textOf } from "../kit/read.ts";

/** Messages that can be queried; the oldest are dropped. */
const MESSAGES_MAX = 10_000;
const SEARCH_LIMIT_MAX = 1_000;
const DAY_MS = 86_400_000;

export interface KeptMessage {
  id: string;
  email: string;
  status: string;
  message: Fields;
  /** Seconds since the epoch. */
  ts: number;
}

/** The messages that messages/info and messages/search return. */
export function createMandrillMessages() {
  const kept = new Map<string, Fields>();
  return {
    add({ id, email, status, message, ts }: KeptMessage) {
      const { subject, from_email, tags, metadata } = message;
      const state = status === "queued" ? "deferred" : status;
      kept.set(id, {
        ts: Math.floor(ts),
        _id: id,
        state,
        subject,
        email,
        sender: from_email,
        tags: listOf(tags),
        metadata: fieldsOf(metadata),
        opens: 0,
        clicks: 0,
        smtp_events: [],
      });
      const oldest = kept.keys().next();
      if (kept.size > MESSAGES_MAX && !oldest.done) kept.delete(oldest.value);
    },
    find: (id: string) => kept.get(id),
    /**
     * `query` as "full_email:…", "u_<metadata field>:…" or "*"; date_from, date_to (days, UTC) and limit as documented. Newest first.
     * @param indexedUntil seconds since the epoch
     */
    search(request: Fields, indexedUntil: number): Fields[] {
      const query = textOf(request.query) || "*";
      const [, field = "", value = ""] = /^(\w+):"?(.*?)"?$/.exec(query) ?? [];
      const limit = typeof request.limit === "number" ? Math.min(request.limit, SEARCH_LIMIT_MAX) : 100;
      const from = Date.parse(textOf(request.date_from)) / 1_000 || 0;
      const until = (Date.parse(textOf(request.date_to)) + DAY_MS) / 1_000 || Number.POSITIVE_INFINITY;
      const fits = (message: Fields) => {
        if (Number(message.ts) < from || Number(message.ts) >= Math.min(until, indexedUntil + 1)) return false;
        if (query === "*") return true;
        if (field.startsWith("u_")) return textOf(fieldsOf(message.metadata)[field.slice(2)]) === value;
        return textOf(message.email).toLowerCase() === (field === "full_email" ? value : query).toLowerCase();
      };
      return [...kept.values()].reverse().filter(fits).slice(0, limit);
    },
  };
}
