// All faults at once, on a random schedule derived from the seed.
import { setTimeout as delay } from "node:timers/promises";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { streamName } from "../../core/delivery/subjects.ts";
import type { LineFault } from "../support/faulty-line.ts";
import { happened, type Row } from "./row.ts";
import { withStreams } from "./rows-nats.ts";
import { withRedis } from "./rows-redis.ts";
import { holdWriteLock } from "./rows-store.ts";
import type { World } from "./world.ts";

const LASTS_MS = 25_000;
/** Between the starts of two faults. */
const EVERY_MS = 900;
const FAULT_MS_MAX = 6_000;

type Random = () => number;
/** Each injects one fault, removes it, and resolves to its description. */
type Fault = (world: World, random: Random) => Promise<string>;

const pick = <T>(items: readonly T[], random: Random): T => items[Math.floor(random() * items.length)]!;
const some = (random: Random) => 500 + random() * FAULT_MS_MAX;

/** At most one server is down at a time. */
const inTurn = new Map<string, Promise<unknown>>();
function alone<T>(what: string, work: () => Promise<T>): Promise<T> {
  const next = (inTurn.get(what) ?? Promise.resolve()).catch(() => undefined).then(work);
  inTurn.set(what, next);
  return next;
}

const LINE_FAULTS: readonly LineFault[] = [
  { kind: "half-open" },
  { kind: "cut" },
  { kind: "end" },
  { kind: "latency", ms: 250 },
  { kind: "drip", bytesPerSecond: 5_000 },
];

const FAULTS: readonly Fault[] = [
  async ({ processes }, random) => {
    const p = pick(processes, random);
    p.kill("SIGKILL");
    return `kill ${p.name}`;
  },
  async ({ processes }, random) => {
    const p = pick(processes, random);
    p.kill("SIGSTOP");
    await delay(some(random));
    p.kill("SIGCONT");
    return `pause ${p.name}`;
  },
  async ({ processes }, random) => {
    const p = pick(processes, random);
    return `restart ${p.name}: ${await p.restart()}`;
  },
  async ({ lines }, random) => {
    const names = Object.keys(lines) as (keyof typeof lines)[];
    const name = pick(names, random);
    const fault = pick(LINE_FAULTS, random);
    lines[name].set(fault);
    await delay(some(random));
    lines[name].set(undefined);
    return `${name} ${fault.kind}`;
  },
  ({ nats }, random) =>
    alone("nats", async () => {
      await nats.kill();
      await delay(random() * 2_000);
      await nats.restart();
      return "kill NATS";
    }),
  ({ redis }, random) =>
    alone("redis", async () => {
      await redis.kill();
      await delay(random() * 2_000);
      await redis.restart();
      return "kill Redis";
    }),
  (world) => alone("redis", () => withRedis(world, async (client) => `FLUSHALL ${await client.flushall()}`)),
  (world, random) =>
    alone("nats", async () => {
      const channel = pick(CHANNELS, random);
      const purge = random() < 0.5;
      await withStreams<unknown>(world, (jsm) =>
        purge ? jsm.streams.purge(streamName(channel)) : jsm.streams.delete(streamName(channel)),
      );
      return `${purge ? "purge" : "delete"} the stream of ${channel}`;
    }),
  async ({ sandbox }, random) => {
    const provider = pick(["apns", "fcm", "webpush", "twilio", "sendgrid"] as const, random);
    const kind = pick(["no-answer", "cut-after", "cut-before"] as const, random);
    const id = sandbox.faults.order({ provider, times: 30, do: { kind } });
    await delay(some(random));
    sandbox.faults.clear(id);
    return `${provider} ${kind}`;
  },
  (world, random) =>
    alone("store", async () => {
      const faults = world.storeServer?.faults;
      if (world.kind === "sqlite") return holdWriteLock(world, Math.round(some(random)));
      if (!faults) return "nothing";
      await faults.kill();
      await delay(random() * 2_000);
      await faults.start();
      return "kill the store";
    }),
];

export const EVERYTHING_ROWS: readonly Row[] = [
  {
    name: "everything",
    about: "everything at once: a fault of any kind begins every 0.9 s for 25 s, on a schedule from the seed",
    async inject(world, { random }) {
      const done: string[] = [];
      const underWay: Promise<void>[] = [];
      const until = performance.now() + LASTS_MS;
      while (performance.now() < until) {
        const fault = pick(FAULTS, random);
        const work = fault(world, random).then(
          (what) => void done.push(what),
          (error: unknown) => void done.push(`failed: ${error instanceof Error ? error.message : String(error)}`),
        );
        underWay.push(work);
        await delay(EVERY_MS);
      }
      await Promise.all(underWay);
      return `${happened(done.filter((d) => !d.startsWith("failed")).length, "faults")}: ${done.join(", ")}`;
    },
  },
];
