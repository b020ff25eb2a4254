import { createFairQueue } from "../fair-queue.ts";
import { CALLS_MAX } from "../grpc/limits.ts";

/**
 * Bytes of bodies that wait until they are read: eight of the largest. A MB takes 3 to 10 ms as a rule, and up to 300 where it is nothing but brackets. An app may
 * hold as much as is free, so one alone has half.
 */
const WAITING_BYTES_MAX = 32 * 1024 * 1024;
/** Larger bodies wait for each other and for no others: a push or a text is below 8 kB, a mail without files below 30. */
const SMALL_BYTES_MAX = 32 * 1024;
/** How long bodies of one line are read until the event loop has a turn for everything else, in ms. One body is read as a whole, however long it takes. */
const SLICE_MS = 5;

/** A body that has arrived. */
export interface ArrivedBody {
  /** Bodies of one caller are read in order, and callers take turns. */
  callerKey: string;
  bytes: number;
  /** Nobody waits for it any more: then it is not read. */
  isOver(): boolean;
}

/** Decides who may read a body when, because reading one blocks the event loop. */
export interface ReadingTurns {
  /**
   * Runs `read` at once where nothing waits and this turn of the event loop has time left, else in a later one. Resolves with what it returns, rejects with what it
   * throws, and does neither where the call is over. Undefined where too much waits already.
   */
  run<T>(body: ArrivedBody, read: () => T): Promise<T> | undefined;
}

interface Waiting extends ArrivedBody {
  start(): void;
}

interface Options {
  waitingBytesMax?: number;
  /** ms of a clock that never goes back. */
  now?: () => number;
}

/** Two lines, so that a small body waits for one large body at most: the one that is being read. */
export function createReadingTurns(options: Options = {}): ReadingTurns {
  const [small, large] = [createLine(options), createLine(options)];
  return { run: (body, read) => (body.bytes <= SMALL_BYTES_MAX ? small : large).run(body, read) };
}

function createLine({ waitingBytesMax = WAITING_BYTES_MAX, now = () => performance.now() }: Options): ReadingTurns {
  const queue = createFairQueue<Waiting>(
    { itemsMax: CALLS_MAX, bytesMax: waitingBytesMax },
    { laneOf: ({ callerKey }) => callerKey, bytesOf: ({ bytes }) => bytes },
  );
  /** Read in this turn of the event loop, in ms; undefined: nothing yet. */
  let spentMs: number | undefined;

  function start(body: Waiting): void {
    if (body.isOver()) return;
    if (spentMs === undefined) setImmediate(nextTurn);
    const from = now();
    body.start();
    spentMs = (spentMs ?? 0) + now() - from;
  }

  function nextTurn(): void {
    spentMs = undefined;
    while (queue.length > 0 && (spentMs ?? 0) < SLICE_MS) for (const body of queue.take({ itemsMax: 1, bytesMax: 0 })) start(body);
  }

  return {
    run<T>(body: ArrivedBody, read: () => T) {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const waiting: Waiting = {
        ...body,
        start() {
          try {
            resolve(read());
          } catch (error) {
            reject(error);
          }
        },
      };
      if (queue.length === 0 && (spentMs ?? 0) < SLICE_MS) start(waiting);
      else if (!queue.push(waiting)) return undefined;
      return promise;
    },
  };
}
