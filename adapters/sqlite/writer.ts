// The thread that writer-thread.ts starts.
import { parentPort, workerData } from "node:worker_threads";
import { StoreError } from "../store/store-error.ts";
import { openDatabase } from "./database.ts";
import { type Answer, type Call, OPENED } from "./writer-thread.ts";
import { createWrites, type Writes } from "./writes.ts";

const port = parentPort!;
const database = await openDatabase(workerData as string);
const writes = createWrites(database) as Record<keyof Writes, (...args: readonly unknown[]) => Promise<unknown>>;

let answers: Answer[] = [];
/** What ends with one transaction is answered together. */
function answer(one: Answer): void {
  if (answers.push(one) > 1) return;
  queueMicrotask(() => {
    port.postMessage(answers);
    answers = [];
  });
}

const underWay = new Set<Promise<void>>();

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
  database.close();
  port.close();
}

function faultOf(error: unknown) {
  if (error instanceof StoreError) return { name: "StoreError", message: error.message, code: error.code };
  return error instanceof Error ? { name: error.name, message: error.message, stack: error.stack } : { name: "Error", message: "unknown" };
}
