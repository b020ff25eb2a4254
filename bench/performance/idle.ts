import { setTimeout as delay } from "node:timers/promises";
import { cpuMs, residentBytes } from "../process-cpu.ts";
import { startCarillon } from "../program.ts";
import { startPushStub } from "../quick/push-stub.ts";
import { type Summary, summaryOf } from "../summary.ts";
import { temporaryDirectory } from "../temporary-directory.ts";
import { startWorld } from "../world.ts";
import type { Figure, Question } from "./figure.ts";

/** After the start: its sweeps, caches and first readings are done. */
const SETTLE_MS = 5_000;
/** A window must be long beside the 10 ms in which /proc counts: 0.2 % of a core is one tick in 5 s. */
const WINDOW_MS = 10_000;
const STARTS = 5;
const MIB = 1_024 ** 2;
const ROLES = ["preferences", "gateway", "relay", "dispatcher-apns", "feedback", "autoscaler"];

/** What something costs that has nothing to do. */
export interface Idle {
  name: string;
  /** From the process's start until it is ready. */
  startMs: Summary;
  startCpuMs: Summary;
  /** CPU of one core, in per cent, over windows of `windowMs`. */
  cpuPercent: Summary;
  /** Resident size at the end of each window. */
  mib: Summary;
}

export interface IdleOptions {
  storeUrl: string;
  windows: number;
  windowMs: number;
  /** Starts of each role. */
  starts: number;
}

interface Started {
  name: string;
  pids: readonly number[];
  starts: readonly { ms: number; cpuMs: number }[];
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const cpuOf = (pids: readonly number[]) => sum(pids.map(cpuMs));

/** Each role as a process of its own, all idle at the same time. */
export async function measureIdleRoles({ storeUrl, windows, windowMs, starts }: IdleOptions): Promise<Idle[]> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await startWorld(storeUrl));
  stack.use(await startPushStub(world));
  const roles: Started[] = [];
  for (const name of ROLES) {
    const taken: { ms: number; cpuMs: number }[] = [];
    const startRole = async () => {
      const began = performance.now();
      const role = await world.role(name);
      taken.push({ ms: performance.now() - began, cpuMs: cpuMs(role.pid) });
      return role;
    };
    for (let i = 1; i < starts; i++) await (await startRole())[Symbol.asyncDispose]();
    const role = stack.use(await startRole());
    if (name === "preferences") world.env.PREFERENCES_ADDRESS = role.addresses.grpc ?? "";
    roles.push({ name, pids: [role.pid], starts: taken });
  }
  return await whileIdle(roles, windows, windowMs);
}

/** `carillon up`, which is what `make up` runs: all roles and the sandbox in one process. NATS and Redis, which it starts, are not counted. */
export async function measureIdleDev({ windows, windowMs }: Pick<IdleOptions, "windows" | "windowMs">): Promise<Idle> {
  const began = performance.now();
  using directory = temporaryDirectory();
  await using dev = startCarillon(["up", "--directory", directory.path], { HOME: process.env.HOME ?? "" });
  await dev.printed((text) => text.includes("Ctrl-C"));
  const ms = performance.now() - began;
  const pids = [dev.pid];
  const [idle] = await whileIdle([{ name: "make up", pids, starts: [{ ms, cpuMs: cpuOf(pids) }] }], windows, windowMs);
  return idle!;
}

async function whileIdle(all: readonly Started[], windows: number, windowMs: number): Promise<Idle[]> {
  await delay(SETTLE_MS);
  const taken = all.map(() => ({ percent: [] as number[], mib: [] as number[] }));
  for (let i = 0; i < windows; i++) {
    const [before, began] = [all.map(({ pids }) => cpuOf(pids)), performance.now()];
    await delay(windowMs);
    const ms = performance.now() - began;
    for (const [at, { pids }] of all.entries()) {
      taken[at]!.percent.push(((cpuOf(pids) - before[at]!) / ms) * 100);
      taken[at]!.mib.push(sum(pids.map(residentBytes)) / MIB);
    }
  }
  return all.map(({ name, starts }, at) => ({
    name,
    startMs: summaryOf(starts.map(({ ms }) => ms)),
    startCpuMs: summaryOf(starts.map((start) => start.cpuMs)),
    cpuPercent: summaryOf(taken[at]!.percent),
    mib: summaryOf(taken[at]!.mib),
  }));
}

/** What does a role cost that has nothing to do, and how long does it take to start? */
export const measureIdle: Question = async ({ store, storeUrl, say }) => {
  say("each role alone, then all in one process");
  const options = { storeUrl, windows: 8, windowMs: WINDOW_MS, starts: STARTS };
  const all = await measureIdleRoles(options);
  // It always keeps its notifications in SQLite.
  if (store === "sqlite") all.push(await measureIdleDev(options));
  const figure = (what: string, unit: string, value: Summary): Figure => ({ row: "M1", what, store, unit, value });
  return {
    figures: all.flatMap(({ name, startMs, startCpuMs, cpuPercent, mib }) => [
      figure(`${name}: idle CPU`, "%", cpuPercent),
      figure(`${name}: resident`, "MiB", mib),
      figure(`${name}: start to ready`, "ms", startMs),
      figure(`${name}: CPU of the start`, "ms", startCpuMs),
    ]),
  };
};
