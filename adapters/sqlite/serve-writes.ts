import { parentPort, workerData } from "node:worker_threads";
import { StoreError } from "../store/store-error.ts";
import { closeDatabase, type OpenOptions, openDatabase } from "./database.ts";
import { type Answer, type Call, OPENED } from "./writer-thread.ts";
import { createWrites, type Writes } from "./writes.ts";

/** Makes the writes that the thread is asked for, until it is told to close. Rejects where the file cannot be opened. */
export async function serveWrites(options: Pick<OpenOptions, "openLog"> = {}): Promise<void> {
  const port = parentPort!;
  const database = await openDatabase(workerData as string, { ...options, failed: endThread });
  const writes = createWrites(database) as Record<keyof Writes, (...args: readonly unknown[]) => Promise<unknown>>;
  const underWay = new Set<Promise<void>>();

  let answers: Answer[] = [];
  /** What ends with one transaction is answered together. */
  function answer(one: Answer): void {
    if (answers.push(one) > 1) return;
    queueMicrotask(() => {
      port.postMessage(answers);
      answers = [];
    });
  }

  port.on("message", (calls: readonly Call[]) => {
    for (const { id, method, args } of calls) {
      if (method === "close") return void close();
      const work = writes[method](...args).then(
        (value) => answer({ id, value }),
        (error: unknown) => answer({ id, fault: faultOf(error) }),
      );
      underWay.add(work);
      void work.finally(() => underWay.delete(work));
    }
  });
  answer({ id: OPENED, value: undefined });

  async function close(): Promise<void> {
    await Promise.all(underWay);
    await closeDatabase(database);
    port.close();
  }
}

/** Ends the thread with an error, upon which writer-thread.ts ends the process. */
function endThread(error: StoreError): void {
  setImmediate(() => {
    throw error;
  });
}

function faultOf(error: unknown) {
  if (error instanceof StoreError) return { name: "StoreError", message: error.message, code: error.code };
  return error instanceof Error ? { name: error.name, message: error.message, stack: error.stack } : { name: "Error", message: "unknown" };
}
