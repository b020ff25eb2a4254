// NATS: killed, emptied, restored from an old copy, without streams or consumers, out of disk, behind a faulty line.
import { spawnSync } from "node:child_process";
import { closeSync, cpSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { CHANNELS, CLASSES } from "../../core/delivery/channel.ts";
import { consumerName, streamName } from "../../core/delivery/subjects.ts";
import { happened, type Row } from "./row.ts";
import type { World } from "./world.ts";

const AWAY_MS = 3_000;
const SLOW_CALL_MS = 300;

const storeOf = ({ nats }: World) => join(dirname(nats.logFile), "jetstream");

/** Slow providers, so that there are tasks in the streams to lose. */
export function holdUp({ sandbox }: World, ms = SLOW_CALL_MS): void {
  for (const provider of ["apns", "fcm", "webpush", "twilio", "sendgrid"] as const)
    sandbox.faults.order({ provider, times: 10_000, do: { kind: "delay", ms } });
}

/** Pauses the dispatchers, so that streams fill; resolves to the number of tasks in them. */
async function fill(world: World, ms: number): Promise<number> {
  const dispatchers = world.processes.filter((p) => p.role.startsWith("dispatcher-"));
  for (const p of dispatchers) p.kill("SIGSTOP");
  await delay(ms);
  const waiting = await withStreams(world, tasksIn);
  for (const p of dispatchers) p.kill("SIGCONT");
  return waiting;
}

/** Not through the line: this acts as an operator at the server. */
export async function withStreams<T>({ nats }: World, work: (jsm: JetStreamManager) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: nats.url, timeout: 5_000 });
  try {
    return await work(await jetstreamManager(connection));
  } finally {
    await connection.close();
  }
}

async function tasksIn(jsm: JetStreamManager): Promise<number> {
  let messages = 0;
  for (const channel of CHANNELS) messages += (await jsm.streams.info(streamName(channel))).state.messages;
  return messages;
}

const SMALL_DISK = "24m";
const FILL_BYTES = 262_144;

/** Puts NATS on a disk of 24 MiB and fills it. */
async function withFullDisk(world: World): Promise<string> {
  const store = storeOf(world);
  const kept = `${store}.kept`;
  await world.nats.stop();
  renameSync(store, kept);
  mkdirSync(store);
  mount(store);
  const unmount = () => void spawnSync("umount", ["-l", store]);
  process.once("exit", unmount);
  try {
    await world.nats.restart();
    await delay(1_500);
    const filler = join(store, "filler");
    const bytes = fillUp(filler);
    await delay(AWAY_MS);
    const errorCount = await withStreams(world, async (jsm) => (await jsm.getAccountInfo()).api.errors).catch(() => -1);
    rmSync(filler);
    await world.nats.stop();
    return `${happened(bytes, "bytes filled the disk")}; JetStream ${errorCount < 0 ? "was unavailable" : `counted ${errorCount} errors`}`;
  } finally {
    await world.nats.stop();
    unmount();
    process.off("exit", unmount);
    rmSync(store, { recursive: true, force: true });
    // Restores the old copy, without anything that happened since.
    renameSync(kept, store);
    await world.nats.restart();
  }
}

function fillUp(file: string): number {
  const handle = openSync(file, "w");
  let bytes = 0;
  try {
    for (let size = FILL_BYTES; size >= 1; )
      try {
        bytes += writeSync(handle, Buffer.alloc(size));
      } catch {
        // No space left: continue with smaller pieces until none fits.
        size = Math.floor(size / 16);
      }
  } finally {
    closeSync(handle);
  }
  return bytes;
}

const mount = (directory: string) => spawnSync("mount", ["-t", "tmpfs", "-o", `size=${SMALL_DISK}`, "tmpfs", directory]).status === 0;

function cannotMount({ directory }: World): string | undefined {
  const probe = join(directory, "mount-probe");
  mkdirSync(probe, { recursive: true });
  const works = mount(probe);
  if (works) spawnSync("umount", [probe]);
  return works ? undefined : "mounting a small tmpfs is not allowed here";
}

export const NATS_ROWS: readonly Row[] = [
  {
    name: "nats-kill",
    about: "NATS: kill -9, down for 3 s, restarted",
    async inject(world) {
      holdUp(world);
      await delay(500);
      const { pid } = world.nats;
      await world.nats.kill();
      await delay(AWAY_MS);
      await world.nats.restart();
      return happened(Number(world.nats.pid !== pid), "server died by SIGKILL and another runs on its data");
    },
  },
  {
    name: "nats-deleted",
    about: "NATS: kill -9 with tasks waiting, its store directory deleted, restarted",
    async inject(world) {
      const waiting = await fill(world, 2_000);
      await world.nats.kill();
      rmSync(storeOf(world), { recursive: true });
      await world.nats.restart();
      return happened(waiting, "tasks were in the streams that were deleted");
    },
  },
  {
    name: "nats-rolled-back",
    about: "NATS: stopped, and restarted on a copy of its store from seconds before: finished tasks reappear, new ones are gone",
    async inject(world) {
      const store = storeOf(world);
      const dispatchers = world.processes.filter((p) => p.role.startsWith("dispatcher-"));
      for (const p of dispatchers) p.kill("SIGSTOP");
      await delay(2_000);
      const waiting = await withStreams(world, tasksIn);
      await world.nats.stop();
      cpSync(store, `${store}.old`, { recursive: true });
      await world.nats.restart();
      for (const p of dispatchers) p.kill("SIGCONT");
      await delay(3_000);
      await world.nats.kill();
      rmSync(store, { recursive: true });
      renameSync(`${store}.old`, store);
      await world.nats.restart();
      const back = await withStreams(world, tasksIn);
      return `${happened(waiting, "tasks were in the copy")}, ${back} in the streams after its return`;
    },
  },
  {
    name: "stream-purged",
    about: "NATS: every stream purged by an operator while tasks wait",
    async inject(world) {
      holdUp(world);
      const dispatchers = world.processes.filter((p) => p.role.startsWith("dispatcher-"));
      for (const p of dispatchers) p.kill("SIGSTOP");
      await delay(2_000);
      let purged = 0;
      await withStreams(world, async (jsm) => {
        for (const channel of CHANNELS) purged += (await jsm.streams.purge(streamName(channel))).purged;
      });
      for (const p of dispatchers) p.kill("SIGCONT");
      return happened(purged, "tasks purged");
    },
  },
  {
    name: "stream-deleted",
    about: "NATS: every stream deleted by an operator",
    async inject(world) {
      holdUp(world);
      let deleted = 0;
      await withStreams(world, async (jsm) => {
        for (const channel of CHANNELS) deleted += Number(await jsm.streams.delete(streamName(channel)));
      });
      await delay(AWAY_MS);
      return happened(deleted, "streams deleted");
    },
  },
  {
    name: "consumer-deleted",
    about: "NATS: every consumer deleted by an operator, twice",
    async inject(world) {
      holdUp(world);
      let deleted = 0;
      for (let times = 0; times < 2; times++) {
        await withStreams(world, async (jsm) => {
          for (const channel of CHANNELS)
            for (const c of CLASSES)
              deleted += Number(await jsm.consumers.delete(streamName(channel), consumerName(channel, c)).catch(() => false));
        });
        await delay(AWAY_MS);
      }
      return happened(deleted, "consumers deleted");
    },
  },
  {
    name: "nats-full",
    about: "NATS: on a full disk of 24 MiB, then back on its old store",
    cannot: cannotMount,
    inject: withFullDisk,
  },
  {
    name: "nats-half-open",
    about: "NATS: the network drops everything both ways for 8 s, and the sockets stay open",
    async inject({ lines }) {
      const before = lines.nats.counts.swallowedBytes;
      lines.nats.set({ kind: "half-open" });
      await delay(8_000);
      lines.nats.set(undefined);
      return happened(lines.nats.counts.swallowedBytes - before, "bytes dropped");
    },
  },
  {
    name: "nats-slow",
    about: "NATS: 400 ms of latency for 4 s, then 4 kB/s for 4 s",
    async inject({ lines }) {
      const { delayedBytes, drippedBytes } = lines.nats.counts;
      lines.nats.set({ kind: "latency", ms: 400 });
      await delay(4_000);
      lines.nats.set({ kind: "drip", bytesPerSecond: 4_000 });
      await delay(4_000);
      lines.nats.set(undefined);
      const { counts } = lines.nats;
      return `${happened(counts.delayedBytes - delayedBytes, "bytes delayed")}, ${happened(counts.drippedBytes - drippedBytes, "bytes throttled")}`;
    },
  },
];
