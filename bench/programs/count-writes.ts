// Loaded into a role before its own code (NODE_OPTIONS=--import): counts what it writes to its store, and answers Program.ask() with the counts. SQLite: the
// calls to the writing thread. MongoDB: the documents of the driver's inserts and updates.
import { Worker } from "node:worker_threads";
import { Collection } from "mongodb";
import type { Call } from "../../adapters/sqlite/writer-thread.ts";
import { answering } from "../answering.ts";

/** By kind of write: how many rows, documents or deliveries were written. */
export type WriteCounts = Record<string, number>;

const counts: WriteCounts = {};
const count = (kind: string, items: number) => {
  counts[kind] = (counts[kind] ?? 0) + items;
};

const { postMessage } = Worker.prototype;
Worker.prototype.postMessage = function (this: Worker, value: unknown, ...rest: never[]) {
  if (Array.isArray(value))
    for (const { method, args } of value as readonly Call[]) count(method, Array.isArray(args[0]) ? args[0].length : 1);
  return postMessage.call(this, value, ...rest);
};

// The driver's insertMany() calls bulkWrite() as well.
for (const method of ["bulkWrite", "updateOne", "updateMany"] as const) {
  const original = Collection.prototype[method] as (this: Collection, ...args: unknown[]) => Promise<unknown>;
  Object.assign(Collection.prototype, {
    [method](this: Collection, ...args: unknown[]) {
      const [first] = args;
      if (Array.isArray(first))
        for (const operation of first as readonly object[]) count(`${this.collectionName}: ${Object.keys(operation)[0]}`, 1);
      else count(`${this.collectionName}: ${method}`, 1);
      return original.apply(this, args);
    },
  });
}

answering(() => counts);
// Only the role's own work keeps its process running.
process.channel?.unref();
