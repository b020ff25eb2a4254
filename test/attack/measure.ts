// Runs one attack while an ordinary caller goes on, and judges what both saw.
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { readCallFault } from "../../cli/gateway/connect.ts";
import { NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { CRITICAL, notification, phone, toEndpoint } from "../e2e/calls.ts";
import { allReady, type SupervisedProcess } from "../support/supervised-process.ts";
import type { Attack } from "./attack.ts";
import type { Answers } from "./grpc-wire.ts";
import { type AttackWorld, MEMORY_BYTES_MAX, ROLES } from "./world.ts";

/** Between two calls of the ordinary caller, in ms. */
const CALL_EVERY_MS = 50;
/** The ordinary caller's deadline, in ms. */
const CALL_DEADLINE_MS = 5_000;
const HEALTH_EVERY_MS = 200;
const PEAK_EVERY_MS = 100;
/** For the processes to be ready before an attack: the one before may have ended some. */
const READY_MS = 60_000;
/** The chart's liveness probe gives up after this many ms. */
const HEALTH_MS = 5_000;

export interface Result {
  attack: Attack;
  answers: Answers;
  tookMs: number;
  /** Highest resident memory of the target during the attack, in bytes. */
  peakBytes: number;
  ordinary: { calls: number; failed: Answers; p50Ms: number; p99Ms: number };
  /** The slowest answer of /healthz, in ms. */
  healthMs: number;
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
  const caller = ordinaryCaller(world, ending.signal);
  const health = watchHealth(world.health[attack.target], ending.signal);
  const peak = watchPeak(target, ending.signal);
  const began = performance.now();
  const answers = await attack.run(world);
  const tookMs = performance.now() - began;
  ending.abort();
  const [ordinary, healthMs, peakBytes] = await Promise.all([caller, health, peak]);
  const broken = ROLES.flatMap((role, i) => world.processes[role].deaths.slice(deathsBefore[i]).map(({ how }) => `${role} ended: ${how}`));
  if (peakBytes >= MEMORY_BYTES_MAX) broken.push(`${attack.target} needed more memory than its limit`);
  if (ordinary.calls === 0) broken.push("the ordinary caller got no answer");
  for (const [answer, times] of Object.entries(ordinary.failed)) broken.push(`the ordinary caller: ${times} × ${answer}`);
  if (healthMs >= HEALTH_MS) broken.push("/healthz was slower than the liveness probe allows");
  broken.push(...((await attack.faults?.(answers, world)) ?? []));
  return { attack, answers, tookMs, peakBytes, ordinary, healthMs, broken };
}

async function ordinaryCaller({ victim }: AttackWorld, signal: AbortSignal): Promise<Result["ordinary"]> {
  const times: number[] = [];
  const failed: Answers = {};
  while (!signal.aborted || times.length === 0) {
    const began = performance.now();
    try {
      const request = { notification: notification({ notificationClass: CRITICAL, recipient: toEndpoint(phone("+821012345678")) }) };
      await callUnary(victim.clients.notifications, NotificationServiceService.sendNotification, request, { deadlineMs: CALL_DEADLINE_MS });
    } catch (error) {
      const { code, reason } = readCallFault(error);
      const answer = `${code} ${reason}`;
      failed[answer] = (failed[answer] ?? 0) + 1;
    }
    times.push(performance.now() - began);
    await delay(CALL_EVERY_MS);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
  return { calls: times.length, failed, p50Ms: at(0.5), p99Ms: at(0.99) };
}

async function watchHealth(url: string, signal: AbortSignal): Promise<number> {
  let slowest = 0;
  while (!signal.aborted) {
    const began = performance.now();
    await fetch(url, { signal: AbortSignal.timeout(HEALTH_MS) })
      .then((answer) => answer.body?.cancel())
      .catch(() => undefined);
    slowest = Math.max(slowest, performance.now() - began);
    await delay(HEALTH_EVERY_MS);
  }
  return slowest;
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
    if (bytes >= MEMORY_BYTES_MAX) target.kill("SIGKILL");
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
