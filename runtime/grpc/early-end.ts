import type { CallError } from "../call-error.ts";

/** What ends a call before its handler has answered: its deadline or its caller. */
export interface EarlyEnd {
  /** Why it has ended; undefined while it has not. */
  readonly why: CallError | undefined;
  /** Resolves when it ends early, else never. */
  readonly whenEnded: Promise<CallError>;
  /** For what the handler waits for: aborts when the call ends early. */
  readonly signal: AbortSignal;
  /** Only the first one counts, and none after answered(). */
  end(why: CallError): void;
  answered(): void;
}

/** Few handlers ask for the signal, so it is made when one does: an AbortController that aborts after each answer took 13 us of a call. */
export function createEarlyEnd(): EarlyEnd {
  const { promise, resolve } = Promise.withResolvers<CallError>();
  let why: CallError | undefined;
  let isAnswered = false;
  let controller: AbortController | undefined;
  return {
    get why() {
      return why;
    },
    whenEnded: promise,
    get signal() {
      controller ??= new AbortController();
      if (why) controller.abort(why);
      return controller.signal;
    },
    end(reason) {
      if (isAnswered || why) return;
      why = reason;
      resolve(reason);
      controller?.abort(reason);
    },
    answered() {
      isAnswered = true;
    },
  };
}
