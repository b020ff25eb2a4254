import type { Inbox } from "./messages.ts";
import type { Query } from "./search.ts";
import type { Message } from "./view.ts";

/** The longest wait for a message, in ms: less than what closes a silent connection. */
export const WAIT_MS_MAX = 60_000;
/** Requests that wait at once; further ones are refused. */
const WAITERS_MAX = 100;

type WaitFor = (query: Query, limit: number, waitMs: number, signal: AbortSignal) => Promise<Message[]>;

/** Resolves with what matches, at once or when the first such message arrives; with none after `waitMs`. Rejects with a RangeError where too many wait. */
export function createWaiting(inbox: Inbox, closing: AbortSignal): WaitFor {
  let waiting = 0;
  return (query, limit, waitMs, signal) => {
    const { promise, resolve } = Promise.withResolvers<Message[]>();
    const found = () => inbox.find(query, limit);
    const first = found();
    if (first.length > 0 || waitMs === 0) return Promise.resolve(first);
    if (waiting >= WAITERS_MAX) return Promise.reject(new RangeError(`${WAITERS_MAX} requests wait already`));
    waiting += 1;
    const check = () => {
      const messages = found();
      if (messages.length > 0) end(messages);
    };
    const giveUp = () => end([]);
    const timer = setTimeout(giveUp, waitMs);
    const unwatch = inbox.watch(check);
    const signals = [closing, signal];
    for (const one of signals) one.addEventListener("abort", giveUp, { once: true });
    function end(messages: Message[]): void {
      clearTimeout(timer);
      unwatch();
      for (const one of signals) one.removeEventListener("abort", giveUp);
      resolve(messages);
    }
    return promise.finally(() => {
      waiting -= 1;
    });
  };
}
