import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import type { Channel } from "../../core/delivery/channel.ts";
import type { Opening } from "../../core/delivery/circuit.ts";
import { isAppCircuit } from "../../core/delivery/circuit-scope.ts";
import { isReasonCode } from "../../core/delivery/reason.ts";
import type { SharedCircuit, SharedCircuits } from "../../core/ports/shared-circuits.ts";

/** What no pod has written for this long is forgotten, in ms: longer than a circuit is open. */
const MEMORY_MS = 900_000;
/** Circuits taken from Redis; a pod remembers no more. */
const CIRCUITS_MAX = 1_000;
const PROBE_ENDED = readFileSync(new URL("./probe-ended.lua", import.meta.url), "utf8");

/** One hash per channel, one field per circuit. */
export function createSharedCircuits(redis: Redis, channel: Channel): SharedCircuits {
  const key = `carillon:circuits:${channel}`;
  const probeOf = (name: string) => `carillon:probe:${channel}:${name}`;
  const pod = randomBytes(8).toString("hex");
  const ignored = () => undefined;
  return {
    async read() {
      const fields = await redis.hgetall(key).catch(ignored);
      if (fields === undefined) return undefined;
      // Those of single apps last: they must not take the place of those that all apps depend on.
      const read = Object.entries(fields)
        .sort(([a], [b]) => Number(isOfApp(a)) - Number(isOfApp(b)))
        .slice(0, CIRCUITS_MAX);
      return new Map(
        read.flatMap(([name, text]) => {
          const circuit = readCircuit(text);
          return circuit ? [[name, circuit] as const] : [];
        }),
      );
    },
    async write(name, circuit) {
      await redis.multi().hset(key, name, JSON.stringify(circuit)).pexpire(key, MEMORY_MS).exec().catch(ignored);
    },
    async mayProbe(name, holder, ms) {
      const answer = await redis.set(probeOf(name), `${pod}/${holder}`, "PX", Math.ceil(ms), "NX").catch(() => "OK");
      return answer === "OK";
    },
    async probeEnded(name, holder) {
      await redis.eval(PROBE_ENDED, 1, probeOf(name), `${pod}/${holder}`).catch(ignored);
    },
  };
}

/** A name is the account's, a space, and the circuit's. */
const isOfApp = (name: string) => isAppCircuit(name.slice(name.indexOf(" ") + 1));

/** Undefined where the text is not a circuit: another version may have written it. */
export function readCircuit(text: string): SharedCircuit | undefined {
  try {
    const { at, open } = JSON.parse(text) as { at?: unknown; open?: Partial<Record<keyof Opening, unknown>> | null };
    if (!isTime(at)) return undefined;
    if (open === undefined || open === null) return { at };
    // An earlier version does not write when it opened: then it is known to be open since this was written.
    const { since = at, until, criticalUntil, times, fault, reason } = open;
    const { code, detail } = (reason ?? {}) as { code?: unknown; detail?: unknown };
    if (!isTime(since) || !isTime(until) || !isTime(criticalUntil) || !isTime(times) || typeof code !== "string" || !isReasonCode(code))
      return undefined;
    if (fault !== "service" && fault !== "setup" && fault !== "ambiguous") return undefined;
    const why = { code, ...(typeof detail === "string" ? { detail } : {}) };
    return { at, open: { since, until, criticalUntil, times, fault, reason: why } };
  } catch {
    return undefined;
  }
}

const isTime = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value) && value >= 0;
