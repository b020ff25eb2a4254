// The store: unavailable, silent, slow, and with lost answers.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { DidNotHappen, happened, type Row } from "./row.ts";
import type { World } from "./world.ts";

const DOWN_MS = 4_000;
/** Longer than SQLite waits for a lock (5 s). */
const LOCKED_LONG_MS = 8_000;
/** Writes whose answers are dropped. */
const DROPPED_SHARE = 0.25;
/** How a command's first field begins in BSON: type string, the command's name, the end of the name. */
const WRITES = ["insert", "update", "findAndModify"].map((name) => `\u0002${name}\0`);

const mongodb = ["mongodb"] as const;
const notOurs = ({ storeServer }: World) => (storeServer?.faults ? undefined : "the server of MONGODB_URI must not be killed");

const HOLD_LOCK = `
const { DatabaseSync } = require("node:sqlite");
const db = new DatabaseSync(process.argv[1], { timeout: 10000 });
db.exec("begin immediate");
process.stdout.write("held\\n");
setTimeout(() => { db.exec("rollback"); process.stdout.write("freed\\n"); }, Number(process.argv[2]));
`;

/** Holds the lock from a process of its own, like an operator's shell or a backup; resolves once it is released. */
export async function holdWriteLock({ storeUrl }: World, ms: number): Promise<string> {
  const child = spawn(process.execPath, ["-e", HOLD_LOCK, storeUrl.replace("sqlite:", ""), `${ms}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (data: Buffer) => {
    output += data.toString();
  });
  await once(child, "close");
  if (output !== "held\nfreed\n") throw new DidNotHappen(`the lock's holder printed ${JSON.stringify(output)}`);
  return `write lock held for ${ms} ms by another process`;
}

export const STORE_ROWS: readonly Row[] = [
  {
    name: "store-locked",
    about: "SQLite: another process holds the write lock for 4 s, then for 8 s, which is longer than Carillon waits",
    stores: ["sqlite"],
    inject: async (world) => `${await holdWriteLock(world, DOWN_MS)}; ${await holdWriteLock(world, LOCKED_LONG_MS)}`,
  },
  {
    name: "store-kill",
    about: "store: kill -9, down for 4 s, restarted on its data",
    stores: mongodb,
    cannot: notOurs,
    async inject({ storeServer }) {
      await storeServer?.faults?.kill();
      await delay(DOWN_MS);
      const away = !storeServer?.faults?.isRunning();
      await storeServer?.faults?.start();
      return happened(Number(away), "server died by SIGKILL and was started again");
    },
  },
  {
    name: "store-pause",
    about: "store: SIGSTOP for 8 s, SIGCONT",
    stores: mongodb,
    cannot: notOurs,
    async inject({ storeServer, lines }) {
      storeServer?.faults?.pause();
      await delay(500);
      const { bytes, replyBytes } = lines.store.counts;
      await delay(7_500);
      const asked = lines.store.counts.bytes - bytes;
      const replied = lines.store.counts.replyBytes - replyBytes;
      storeServer?.faults?.resume();
      if (replied > 0) throw new DidNotHappen(`${replied} bytes came back meanwhile`);
      return `${happened(asked, "bytes were sent to it in the meantime")}, none came back`;
    },
  },
  {
    name: "store-replies-dropped",
    about: "store: for 8 s a quarter of the writes are applied, but their answers are dropped and the connections reset",
    stores: mongodb,
    async inject({ lines }, { random }) {
      const before = lines.store.counts.droppedReplies;
      lines.store.set({
        kind: "drop-replies",
        after: (request) => WRITES.some((command) => request.includes(command)) && random() < DROPPED_SHARE,
      });
      await delay(8_000);
      lines.store.set(undefined);
      return happened(lines.store.counts.droppedReplies - before, "answers to writes dropped");
    },
  },
  {
    name: "store-half-open",
    about: "store: the network drops everything both ways for 8 s, and the sockets stay open",
    stores: mongodb,
    async inject({ lines }) {
      const before = lines.store.counts.swallowedBytes;
      lines.store.set({ kind: "half-open" });
      await delay(8_000);
      lines.store.set(undefined);
      return happened(lines.store.counts.swallowedBytes - before, "bytes dropped");
    },
  },
  {
    name: "store-slow",
    about: "store: 300 ms of latency each way for 5 s, then 2 kB/s for 4 s",
    stores: mongodb,
    async inject({ lines }) {
      const { delayedBytes, drippedBytes } = lines.store.counts;
      lines.store.set({ kind: "latency", ms: 300 });
      await delay(5_000);
      lines.store.set({ kind: "drip", bytesPerSecond: 2_000 });
      await delay(4_000);
      lines.store.set(undefined);
      const { counts } = lines.store;
      return `${happened(counts.delayedBytes - delayedBytes, "bytes delayed")}, ${happened(counts.drippedBytes - drippedBytes, "bytes throttled")}`;
    },
  },
];
