import { resolve as resolvePath } from "node:path";
import { Worker } from "node:worker_threads";
import { StoreError } from "../store/store-error.ts";
import { endProcess } from "./end-process.ts";
import type { Writes } from "./writes.ts";

/** A message from the main thread to the writing one; calls of the same moment are sent together. After "close" the thread ends once nothing is under way. */
export interface Call {
  id: number;
  method: keyof Writes | "close";
  args: readonly unknown[];
}

/** A message from the writing thread to the main one. The first one has the id OPENED and says that the file is open. */
export type Answer = { id: number } & ({ value: unknown } | { fault: Fault });
export const OPENED = 0;

interface Fault {
  name: string;
  message: string;
  stack?: string | undefined;
  /** Of a StoreError. */
  code?: string | undefined;
}

/** The thread holds what waits for its turn, which batchers bound to some 30 MB, and the rows of one transaction. */
const HEAP_MIB = 256;
/** As keys, so that the compiler misses none. */
const METHODS: Record<keyof Writes, true> = {
  ...{ insert: true, change: true, lease: true, claim: true, record: true, settle: true },
  ...{ resolve: true, attribute: true, put: true, register: true, remove: true, removeGone: true },
  take: true,
  ...{ begin: true, putChunk: true, commit: true, abandon: true, keep: true, purge: true, deleteContent: true, erase: true },
};

export interface WriterThread extends AsyncDisposable {
  writes: Writes;
}

interface Options {
  program?: URL;
  /** Called when the thread ends by itself; by default the process ends too, to be started again: it could never write. */
  died?: (error: Error) => void;
}

/** By path: the thread of this process, and how many stores use it. */
const threads = new Map<string, { thread: Promise<WriterThread>; users: number }>();

/**
 * Makes the writes in a thread with a connection of its own, so that an event loop stands still neither for a disk flush nor for the statements of a batch, and
 * what arrives during a flush shares the next one. There is one thread for a file, whatever the number of roles in the process; it ends with its last user.
 * Rejects where the thread cannot open the file.
 */
export async function useWriterThread(path: string, options: Options = {}): Promise<WriterThread> {
  const file = resolvePath(path);
  const shared = threads.get(file) ?? { thread: start(file, options, () => forget()), users: 0 };
  const forget = () => {
    if (threads.get(file) === shared) threads.delete(file);
  };
  threads.set(file, shared);
  shared.users++;
  const thread = await shared.thread;
  let left = false;
  return {
    writes: thread.writes,
    async [Symbol.asyncDispose]() {
      if (left) return;
      left = true;
      shared.users--;
      if (shared.users > 0) return;
      forget();
      await thread[Symbol.asyncDispose]();
    },
  };
}

async function start(path: string, { program = new URL("./writer.ts", import.meta.url), died = endProcess }: Options, forget: () => void) {
  const resourceLimits = { maxOldGenerationSizeMb: HEAP_MIB };
  const worker = new Worker(program, { workerData: path, name: "sqlite-writer", execArgv: [], resourceLimits });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const opened = Promise.withResolvers<unknown>();
  waiting.set(OPENED, opened);
  const exited = Promise.withResolvers<void>();
  let [calls, count, closing]: [Call[], number, boolean] = [[], OPENED, false];
  let ended: Error | undefined;
  let cause: unknown;

  worker.on("error", (error) => {
    cause = error;
  });
  worker.on("exit", () => {
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    ended = new StoreError(`SQLite: the writing thread has ended${why}`);
    forget();
    const isOpen = !waiting.has(OPENED);
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
    exited.resolve();
    if (isOpen && !closing) died(ended);
  });
  worker.on("message", (answers: readonly Answer[]) => {
    for (const answer of answers) {
      const its = waiting.get(answer.id);
      waiting.delete(answer.id);
      if ("value" in answer) its?.resolve(answer.value);
      else its?.reject(errorOf(answer.fault));
    }
  });

  /** Where one of them cannot be passed on, that one alone is rejected. */
  function post(together: readonly Call[]): void {
    try {
      worker.postMessage(together);
    } catch (error) {
      if (together.length > 1) for (const one of together) post([one]);
      else for (const { id } of together) reject(id, error);
    }
  }
  function reject(id: number, error: unknown): void {
    waiting.get(id)?.reject(error);
    waiting.delete(id);
  }
  function call(method: Call["method"], args: readonly unknown[]): Promise<unknown> {
    if (ended) return Promise.reject(ended);
    const its = Promise.withResolvers<unknown>();
    const id = ++count;
    waiting.set(id, its);
    if (calls.push({ id, method, args }) === 1)
      queueMicrotask(() => {
        const together = calls;
        calls = [];
        post(together);
      });
    return its.promise;
  }

  await opened.promise;
  const methods = (Object.keys(METHODS) as (keyof Writes)[]).map(
    (method) => [method, (...args: readonly unknown[]) => call(method, args)] as const,
  );
  return {
    writes: Object.fromEntries(methods) as unknown as Writes,
    async [Symbol.asyncDispose]() {
      closing = true;
      if (!ended) call("close", []).catch(() => undefined);
      await exited.promise;
    },
  };
}

function errorOf({ name, message, stack, code }: Fault): Error {
  if (name === "StoreError") return new StoreError(message, code);
  return Object.assign(new Error(message), { name }, stack === undefined ? {} : { stack });
}
