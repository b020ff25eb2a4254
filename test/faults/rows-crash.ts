// SIGKILL at every failpoint: the process kills itself the first time it reaches it.
import { setTimeout as delay } from "node:timers/promises";
import { FAILPOINTS } from "../../core/failpoints.ts";
import { allReady } from "../support/supervised-process.ts";
import { scaled } from "./pace.ts";
import { DidNotHappen, type Row } from "./row.ts";
import { leaveSomeUnanswered, tellNothing } from "./rows-feedback.ts";
import type { World } from "./world.ts";

/** A failpoint not reached within this time is not reached under this load. */
const REACHED_MS = 40_000;
const BACK_MS = 60_000;
const POLL_MS = 50;

async function crash(world: World, name: string, failpoint: string): Promise<string> {
  const process = world.processes.find((p) => p.name === name);
  if (!process) throw new DidNotHappen(`there is no ${name}`);
  await process.restart({ CARILLON_FAILPOINT: failpoint });
  const before = process.deaths.length;
  const giveUpAt = performance.now() + scaled(REACHED_MS);
  while (process.deaths.length === before && performance.now() < giveUpAt) await delay(POLL_MS);
  const how = process.deaths[before]?.how;
  if (how !== "SIGKILL") throw new DidNotHappen(`${name} at ${failpoint}: ${how ?? "never reached"}`);
  await allReady([process], scaled(BACK_MS));
  return `${name} at ${failpoint}`;
}

/** Crashes the first process that reaches the failpoint: a kept connection may send all calls to one of them. */
async function crashEither(world: World, role: string): Promise<string> {
  const processes = world.of(role);
  const died: string[] = [];
  for (const failpoint of FAILPOINTS.filter((s) => s.startsWith(`${role}.`))) {
    await Promise.all(processes.map((p) => p.restart({ CARILLON_FAILPOINT: failpoint })));
    const before = processes.map((p) => p.deaths.length);
    const dead = () => processes.find((p, i) => p.deaths[before[i]!]?.how === "SIGKILL");
    const giveUpAt = performance.now() + scaled(REACHED_MS);
    while (!dead() && performance.now() < giveUpAt) await delay(POLL_MS);
    const { name } = dead() ?? { name: undefined };
    if (name === undefined) throw new DidNotHappen(`no process reached ${failpoint}; but ${died.join(", ")} died`);
    died.push(`${name} at ${failpoint}`);
  }
  // A process that did not reach the last failpoint must not die there later.
  await Promise.all(processes.map((p) => p.restart()));
  await allReady(processes, scaled(BACK_MS));
  return `died by SIGKILL: ${died.join(", ")}`;
}

/** Two processes at a time, each at a different failpoint, until all were reached. */
async function crashAll(world: World, roleOfFailpoint: string, processes: readonly string[]): Promise<string> {
  const failpoints = FAILPOINTS.filter((s) => s.startsWith(`${roleOfFailpoint}.`));
  const died: string[] = [];
  const queues = processes.map((name, i) => ({ name, failpoints: failpoints.filter((_, s) => s % processes.length === i) }));
  const results = await Promise.allSettled(
    queues.map(async ({ name, failpoints: own }) => {
      for (const failpoint of own) died.push(await crash(world, name, failpoint));
    }),
  );
  const failed = results.flatMap((r) => (r.status === "rejected" ? [(r.reason as Error).message] : []));
  if (failed.length > 0) throw new DidNotHappen(`${failed.join("; ")}; but ${died.join(", ")} died`);
  return `died by SIGKILL: ${died.join(", ")}`;
}

/** The channel for each failpoint: the last two need a provider with status queries. */
const DISPATCHERS = ["apns-1", "fcm-1", "webpush-1", "sms-1", "email-1", "apns-2", "sms-2", "email-2"].map((name) => `dispatcher-${name}`);

export const CRASH_ROWS: readonly Row[] = [
  {
    name: "crash-gateway",
    about: "gateways: kill -9 at each failpoint",
    inject: (w) => crashAll(w, "gateway", ["gateway-1", "gateway-2"]),
  },
  { name: "crash-relay", about: "relays: kill -9 at each failpoint", inject: (w) => crashAll(w, "relay", ["relay-1", "relay-2"]) },
  {
    name: "crash-dispatchers",
    about: "dispatchers: kill -9 at each failpoint, each in another channel",
    inject(world) {
      leaveSomeUnanswered(world);
      // Otherwise a receipt would resolve the attempt before the status query.
      tellNothing(world);
      return crashAll(world, "dispatcher", DISPATCHERS);
    },
  },
  {
    name: "crash-feedback",
    about: "feedback: kill -9 at each failpoint",
    inject(world) {
      leaveSomeUnanswered(world);
      return crashEither(world, "feedback");
    },
  },
];
