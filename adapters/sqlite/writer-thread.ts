import { once } from "node:events";
import { resolve as resolvePath } from "node:path";
import { Worker } from "node:worker_threads";
import { StoreError } from "../store/store-error.ts";
import type { Writes } from "./writes.ts";

/** From main to the thread; those that are made at once come together. After "close" it ends, once nothing is under way. */
export interface Call {
  id: number;
  method: keyof Writes | "close";
  args: readonly unknown[];
}

/** From the thread to main. */
export type Answer = { id: number } & ({ value: unknown } | { fault: { message: string; code?: string | undefined; isStore: boolean } });

interface Waiting {
  resolve: (value: never) => void;
  reject: (error: Error) => void;
}

/** By path: the thread of this process, and how many stores use it. */
const threads = new Map<string, { writes: Promise<Writes & AsyncDisposable>; users: number }>();

/**
 * Makes the writes in a thread with a connection of its own, so that the event loop never stands still for a disk flush or the statements of a batch, and what
 * arrives during a flush shares the next one. There is one thread for a file, whatever the number of roles in the process; it ends with its last user.
 * Rejects where the thread cannot open the file. After the thread has died every write rejects.
 */
export async function useWriterThread(path: string): Promise<Writes & AsyncDisposable> {
  const file = resolvePath(path);
  const shared = threads.get(file) ?? { writes: start(file), users: 0 };
  threads.set(file, shared);
  shared.users++;
  const leave = () => {
    shared.users--;
    if (shared.users === 0 && threads.get(file) === shared) threads.delete(file);
    return shared.users === 0;
  };
  try {
    const writes = await shared.writes;
    let left = false;
    return {
      ...writes,
      async [Symbol.asyncDispose]() {
        if (left) return;
        left = true;
        if (leave()) await writes[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    leave();
    throw error;
  }
}

async function start(path: string): Promise<Writes & AsyncDisposable> {
  const worker = new Worker(new URL("./writer.ts", import.meta.url), { workerData: path, name: "sqlite-writer", execArgv: [] });
  const waiting = new Map<number, Waiting>();
  let [calls, count]: [Call[], number] = [[], 0];
  let ended: Error | undefined;

  const end = (why: unknown) => {
    ended ??= new StoreError(`SQLite: the writing thread has ended: ${why instanceof Error ? why.message : "closed"}`);
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  worker.on("error", end).on("exit", end);
  worker.on("message", (answers: readonly Answer[]) => {
    for (const answer of answers) {
      const { resolve, reject } = waiting.get(answer.id)!;
      waiting.delete(answer.id);
      if ("value" in answer) resolve(answer.value as never);
      else reject(errorOf(answer.fault));
    }
  });

  const call = <T>(method: Call["method"], args: readonly unknown[]): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (ended) return reject(ended);
      const id = ++count;
      waiting.set(id, { resolve: resolve as Waiting["resolve"], reject });
      if (calls.push({ id, method, args }) > 1) return;
      queueMicrotask(() => {
        const together = calls;
        calls = [];
        worker.postMessage(together);
      });
    });

  await call("lease", [0, 0, []]);
  return {
    insert: (...args) => call("insert", args),
    change: (...args) => call("change", args),
    lease: (...args) => call("lease", args),
    claim: (...args) => call("claim", args),
    record: (...args) => call("record", args),
    settle: (...args) => call("settle", args),
    async [Symbol.asyncDispose]() {
      if (ended) return;
      const exited = once(worker, "exit");
      void call("close", []).catch(() => undefined);
      await exited;
    },
  };
}

const errorOf = ({ message, code, isStore }: { message: string; code?: string | undefined; isStore: boolean }) =>
  isStore ? new StoreError(message, code) : new TypeError(message);
