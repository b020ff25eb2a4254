// Carillon's processes: killed, paused, stopped by SIGTERM.
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { allReady, type SupervisedProcess } from "../support/supervised-process.ts";
import { scaled } from "./pace.ts";
import { DidNotHappen, happened, type Row } from "./row.ts";
import { holdUp } from "./rows-nats.ts";
import type { World } from "./world.ts";

/** Time for a restarted process to become ready. */
const BACK_MS = 60_000;
/** Wait for the exit event of a killed process, for a busy machine. */
const DIE_MS = 5_000;
/** Longer than NATS_ACK_WAIT_MS (5 s), and longer than a claim's deadline (7 s) plus the clock skew (5 s) after which it counts as lost. */
const PAST_THE_LEASE_MS = 13_500;
/** Pause of a relay. Its leases last 15 s (relay/outbox.ts). */
const RELAY_PAUSE_MS = 8_000;

/** Resolves to the number that died by SIGKILL. */
async function kill(processes: readonly SupervisedProcess[]): Promise<number> {
  await allReady(processes, scaled(BACK_MS));
  const died = processes.map((p) => p.deaths.length);
  for (const p of processes) p.kill("SIGKILL");
  const giveUpAt = performance.now() + DIE_MS;
  const dead = () => processes.filter((p, i) => p.deaths[died[i]!]?.how === "SIGKILL").length;
  while (dead() < processes.length && performance.now() < giveUpAt) await delay(20);
  return dead();
}

/** Kills one after the other, each once the previous one is ready again, so that one of the role always runs. */
async function killInTurn(processes: readonly SupervisedProcess[]): Promise<string> {
  let dead = 0;
  for (const p of processes) {
    dead += await kill([p]);
    await allReady([p], scaled(BACK_MS));
  }
  if (dead < processes.length) throw new DidNotHappen(`${dead} of ${processes.length} died`);
  return happened(dead, `died by SIGKILL: ${processes.map((p) => p.name).join(", ")}`);
}

async function killAtOnce(processes: readonly SupervisedProcess[]): Promise<string> {
  const dead = await kill(processes);
  if (dead < processes.length) throw new DidNotHappen(`${dead} of ${processes.length} died`);
  await allReady(processes, scaled(BACK_MS));
  return happened(dead, "died by SIGKILL at once");
}

async function pause(processes: readonly SupervisedProcess[], ms: number): Promise<string> {
  const pids = processes.map((p) => p.pid);
  for (const p of processes) p.kill("SIGSTOP");
  await delay(200);
  const stopped = processes.filter((p) => stateOf(p.pid) === "T");
  await delay(ms - 200);
  for (const p of processes) p.kill("SIGCONT");
  if (stopped.length < processes.length) throw new DidNotHappen(`only ${stopped.length} of ${processes.length} were stopped`);
  const same = processes.filter((p, i) => p.pid === pids[i]).length;
  return happened(same, `stopped for ${ms} ms and resumed: ${processes.map((p) => p.name).join(", ")}`);
}

const dispatchers = (world: World) => world.processes.filter((p) => p.role.startsWith("dispatcher-"));
const first = (processes: readonly SupervisedProcess[]) => processes.filter((p) => p.name.endsWith("-1"));
const second = (processes: readonly SupervisedProcess[]) => processes.filter((p) => p.name.endsWith("-2"));

export const PROCESS_ROWS: readonly Row[] = [
  { name: "kill-gateway", about: "each gateway in turn: kill -9", inject: (w) => killInTurn(w.of("gateway")) },
  { name: "kill-relay", about: "each relay in turn: kill -9", inject: (w) => killInTurn(w.of("relay")) },
  {
    name: "kill-preferences",
    about: "each preferences process in turn, then both: kill -9",
    inject: async (w) => `${await killInTurn(w.of("preferences"))}; ${await killAtOnce(w.of("preferences"))}`,
  },
  {
    name: "kill-feedback",
    about: "each feedback process in turn, then both: kill -9",
    inject: async (w) => `${await killInTurn(w.of("feedback"))}; ${await killAtOnce(w.of("feedback"))}`,
  },
  {
    name: "kill-dispatchers",
    about: "one dispatcher of each channel, then the others: kill -9",
    async inject(w) {
      // So that calls are in progress when the processes die.
      holdUp(w);
      await delay(500);
      return `${await killAtOnce(first(dispatchers(w)))}; ${await killAtOnce(second(dispatchers(w)))}`;
    },
  },
  {
    name: "kill-all",
    about: "every Carillon process at once: kill -9",
    async inject(w) {
      holdUp(w);
      await delay(500);
      return killAtOnce(w.processes);
    },
  },
  {
    name: "pause-dispatchers",
    about: "one dispatcher of each channel: SIGSTOP past the lease, SIGCONT",
    async inject(w) {
      holdUp(w);
      await delay(500);
      return pause(first(dispatchers(w)), PAST_THE_LEASE_MS);
    },
  },
  {
    name: "pause-relay",
    about: "a relay, then the other: SIGSTOP, SIGCONT",
    inject: async (w) => `${await pause(first(w.of("relay")), RELAY_PAUSE_MS)}; ${await pause(second(w.of("relay")), RELAY_PAUSE_MS / 2)}`,
  },
  {
    name: "pause-gateway",
    about: "a gateway: SIGSTOP for longer than its callers wait, SIGCONT",
    inject: (w) => pause(first(w.of("gateway")), 7_000),
  },
  {
    name: "pause-preferences",
    about: "both preferences processes: SIGSTOP, SIGCONT",
    inject: (w) => pause(w.of("preferences"), 7_000),
  },
  {
    name: "rolling-restart",
    about: "every Carillon process in turn: SIGTERM, and a new one",
    async inject(w) {
      const ends: string[] = [];
      // As in a rollout: roles at the same time, copies of a role one after the other.
      for (const copy of [first(w.processes), second(w.processes)])
        await Promise.all(
          [...Map.groupBy(copy, (p) => p.role).values()].flat().map(async (p) => {
            ends.push(await p.restart());
            await allReady([p], scaled(BACK_MS));
          }),
        );
      const well = ends.filter((how) => how === "exit 0").length;
      if (well < ends.length)
        throw new Error(`${ends.length - well} of ${ends.length} did not end by themselves: ${[...new Set(ends)].join(", ")}`);
      return happened(well, "ended by SIGTERM with status 0");
    },
  },
];

/** Process state; "T": stopped. Elsewhere than on Linux the pause is assumed. */
function stateOf(pid: number | undefined): string {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] ?? "";
  } catch {
    return process.platform === "linux" ? "" : "T";
  }
}
