// Faults of whole servers and processes, as opposed to those of a single call.
import type { SimulatedProcess } from "./process.ts";
import type { createRedis } from "./redis.ts";
import type { Fault, Simulation } from "./simulation.ts";
import type { Stream } from "./stream.ts";

const PAUSES_MS = [1_500, 6_000, 20_000, 90_000];
const UNAVAILABLE_MS = [1_000, 8_000, 40_000];
/** Long enough for the watchdog to evaluate what waits, once or several times. */
const STREAM_PAUSES_MS = [20_000, 70_000, 400_000];
/** How long all queues have no room, in ms; those of one channel have none for longer (world.ts). */
const CROWDED_MS = [20_000, 70_000];
const JUMPS_MS = [-10_800_000, -60_000, 60_000, 10_800_000];
/** A fault that begins at the last moment is in effect for so long. */
export const SERVER_FAULT_MS_MAX = Math.max(...PAUSES_MS, ...UNAVAILABLE_MS, ...STREAM_PAUSES_MS, ...CROWDED_MS);
/** Messages that a stream loses or restores. */
const MESSAGES_MAX = 8;

export interface Servers {
  simulation: Simulation;
  stream: Stream;
  redis: ReturnType<typeof createRedis>;
  failStoreFor(ms: number): void;
  processes(): SimulatedProcess[];
  dispatchers(): SimulatedProcess[];
  /** A dispatcher finishes its tasks while its successor runs. */
  drain(): void;
  /** Relays poll now: what they can read about the queues has changed. */
  wakeRelays(): void;
}

/** Faults of which each happens when it is called, while faults are injected. */
export function createServerFaults(servers: Servers): (() => void)[] {
  const { simulation, stream, redis, failStoreFor, processes, dispatchers, drain, wakeRelays } = servers;
  const { pick, below } = simulation.random;
  const count = () => 1 + below(MESSAGES_MAX);
  const failStream = () => {
    stream.failFor(pick(UNAVAILABLE_MS));
    wakeRelays();
  };
  const faults: [Fault, () => void][] = [
    ["process paused", () => pick(processes()).pause(pick(PAUSES_MS))],
    ["process paused", () => pick(dispatchers())?.pause(pick(PAUSES_MS))],
    ["process drained", drain],
    ["store unavailable", () => failStoreFor(pick(UNAVAILABLE_MS))],
    ["stream unavailable", failStream],
    ["stream paused", () => stream.pause(pick(STREAM_PAUSES_MS))],
    ["stream crowded", () => stream.crowd(pick(CROWDED_MS))],
    ["stream wiped", stream.wipe],
    ["stream lost its last writes", () => stream.loseLast(count())],
    ["stream forgot its ids", stream.forgetIds],
    ["stream restored acknowledged tasks", () => stream.restore(count())],
    ["stream redelivered tasks in flight", stream.redeliver],
    ["redis unavailable", () => redis.failFor(pick(UNAVAILABLE_MS))],
    ["clock jumped", () => pick(processes()).jump(pick(JUMPS_MS))],
  ];
  return faults.map(([fault, begin]) => () => {
    if (simulation.happens(fault, 1)) begin();
  });
}
