import type { Ledger, LedgerEntry } from "../kit/ledger.ts";
import { createWatchers } from "../kit/watchers.ts";
import { messageOf, READERS, summaryOf } from "./read/message.ts";
import { countsOf, fits, type Query, wordsOf } from "./search.ts";
import type { Message, MessageList, Summary } from "./view.ts";

/** Messages kept; older ones are dropped, and counted. */
export const INBOX_MESSAGES_MAX = 1_000;
/** Request bodies of the messages kept, in bytes. The newest message stays, however long it is. */
export const INBOX_BYTES_MAX = 64 * 1_048_576;
/** What a message takes beside its body, in bytes. */
const OVERHEAD_BYTES = 2_048;

interface Kept {
  id: number;
  entry: LedgerEntry;
  bytes: number;
  /** Read at the first question: most messages of a load test are never looked at. */
  read?: { summary: Summary; words: string } | undefined;
}

export interface Inbox extends Disposable {
  list(query: Query, limit: number): MessageList;
  /** The newest that match, at most `limit`, the latest first. */
  find(query: Query, limit: number): Message[];
  message(id: number): Message | undefined;
  entry(id: number): LedgerEntry | undefined;
  /** Of the attempt's messages the latest; undefined: none is kept. */
  idOf(attemptId: string): number | undefined;
  /** Removes what matches. Where nothing is left, the counts begin again at 0. */
  clear(query: Query): void;
  /** Calls `told` after each arrival and removal. Returns a function that ends it. */
  watch(told: () => void): () => void;
}

/** What arrives from now on, read as messages. The ledger keeps more of it, unread. */
export function createInbox(ledger: Pick<Ledger, "watch">): Inbox {
  let kept: Kept[] = [];
  let [bytes, lastId, arrived, rejected, dropped] = [0, 0, 0, 0, 0];
  const { tell: changed, watch } = createWatchers<[]>();

  function dropOldest(): void {
    while (kept.length > 1 && (kept.length > INBOX_MESSAGES_MAX || bytes > INBOX_BYTES_MAX)) {
      bytes -= kept.shift()?.bytes ?? 0;
      dropped += 1;
    }
  }

  const unwatch = ledger.watch((entry) => {
    if (READERS[entry.provider] === undefined) return;
    lastId += 1;
    arrived += entry.accepted ? 1 : 0;
    rejected += entry.accepted ? 0 : 1;
    const own = { id: lastId, entry, bytes: (entry.bytes ?? 0) + OVERHEAD_BYTES };
    kept.push(own);
    bytes += own.bytes;
    dropOldest();
    changed();
  });

  function readOf(own: Kept): { summary: Summary; words: string } {
    const { id, entry } = own;
    own.read ??= (() => {
      // Only what has a reader is kept.
      const summary = summaryOf(id, entry)!;
      return { summary, words: wordsOf(summary, entry) };
    })();
    return own.read;
  }

  /** The latest first. */
  const matching = (query: Query) => kept.filter((own) => fits(query, readOf(own))).reverse();
  const whole = (own: Kept) => messageOf(readOf(own).summary, own.entry);
  const at = (id: number) => kept.find((own) => own.id === id);

  return {
    list(query, limit) {
      const found = matching({ ...query, channel: undefined }).map((own) => readOf(own).summary);
      const messages = found.filter(({ channel }) => query.channel === undefined || query.channel === channel).slice(0, limit);
      return { messages, kept: kept.length, counts: countsOf(found), arrived, rejected, dropped };
    },
    find: (query, limit) => matching(query).slice(0, limit).map(whole),
    message(id) {
      const own = at(id);
      return own && whole(own);
    },
    entry: (id) => at(id)?.entry,
    idOf: (attemptId) => kept.findLast(({ entry }) => entry.attemptId === attemptId)?.id,
    clear(query) {
      kept = kept.filter((own) => !fits(query, readOf(own)));
      bytes = kept.reduce((sum, own) => sum + own.bytes, 0);
      if (kept.length === 0) [arrived, rejected, dropped] = [0, 0, 0];
      changed();
    },
    watch,
    [Symbol.dispose]: unwatch,
  };
}
