// Runs one attack while an ordinary caller goes on, and judges what both saw.
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { POD_MEMORY_BYTES } from "../support/pod-memory.ts";
import { allReady, type SupervisedProcess } from "../support/supervised-process.ts";
import type { Attack } from "./attack.ts";
import type { Answers } from "./grpc-wire.ts";
import { HEALTH_MS_MAX, type Observed, type Watch } from "./observer.ts";
import { type AttackWorld, ROLES } from "./world.ts";

/** A shorter attack is repeated: the ordinary caller needs some calls to notice anything. */
const AT_LEAST_MS = 3_000;
const PEAK_EVERY_MS = 100;
/** For the processes to be ready before an attack: the one before may have ended some. */
const READY_MS = 60_000;

export interface Result {
  attack: Attack;
  answers: Answers;
  tookMs: number;
  /** Highest resident memory of the target during the attack, in bytes. */
  peakBytes: number;
  observed: Observed;
  broken: string[];
}

export async function measure(world: AttackWorld, attack: Attack): Promise<Result> {
  const target = world.processes[attack.target];
  await allReady(
    ROLES.map((role) => world.processes[role]),
    READY_MS,
  );
  const deathsBefore = ROLES.map((role) => world.processes[role].deaths.length);
  resetPeak(target.pid);
  const ending = new AbortController();
  const stopObserver = await observe({ gateway: world.addresses.gateway, key: world.victim.key, health: world.health[attack.target] });
  const peak = watchPeak(target, ending.signal);
  const began = performance.now();
  const answers: Answers = {};
  const faults: string[] = [];
  do {
    const once = await attack.run(world);
    for (const [answer, times] of Object.entries(once)) answers[answer] = (answers[answer] ?? 0) + times;
    faults.push(...((await attack.faults?.(once, world)) ?? []));
  } while (performance.now() - began < AT_LEAST_MS);
  const tookMs = performance.now() - began;
  ending.abort();
  const [observed, peakBytes] = await Promise.all([stopObserver(), peak]);
  const broken = ROLES.flatMap((role, i) => world.processes[role].deaths.slice(deathsBefore[i]).map(({ how }) => `${role} ended: ${how}`));
  if (peakBytes >= POD_MEMORY_BYTES) broken.push(`${attack.target} needed more memory than its limit`);
  for (const [answer, times] of Object.entries(observed.failed)) broken.push(`the ordinary caller: ${times} × ${answer}`);
  if (observed.healthMs >= HEALTH_MS_MAX) broken.push("/healthz was slower than the liveness probe allows");
  broken.push(...faults);
  return { attack, answers, tookMs, peakBytes, observed, broken };
}

/** Starts the observer; the returned function stops it and resolves with what it saw. */
async function observe(watch: Watch): Promise<() => Promise<Observed>> {
  const child = fork(join(import.meta.dirname, "observer.ts"), { stdio: "inherit" });
  await once(child, "spawn");
  child.send(watch);
  const answer = once(child, "message");
  answer.catch(() => undefined);
  return async () => {
    child.send("stop");
    const [observed] = (await answer) as [Observed];
    return observed;
  };
}

/** Linux keeps the peak of the resident set and lets its owner start it again. */
function resetPeak(pid: number | undefined): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** The highest resident set, also of a process that does not live to the end. One above the limit is killed, as the kernel does with a pod's. */
async function watchPeak(target: SupervisedProcess, signal: AbortSignal): Promise<number> {
  let highest = 0;
  for (let last = false; ; last = signal.aborted) {
    const bytes = readPeak(target.pid);
    highest = Math.max(highest, bytes);
    if (bytes >= POD_MEMORY_BYTES) target.kill("SIGKILL");
    if (last) return highest;
    await delay(PEAK_EVERY_MS);
  }
}

function readPeak(pid: number | undefined): number {
  try {
    return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    // It has ended, which is a fault of its own.
    return 0;
  }
}
