import { fork } from "node:child_process";
import { once } from "node:events";
import type { Race } from "./racer.ts";

/** Longest a race may take, in ms: a hung racer ends the test, not the run. */
const RACE_MS = 60_000;

/** Runs each race in a process of its own, all started at the same moment; gives what each won. */
export async function runRace(url: string, races: readonly Race[]): Promise<string[][]> {
  const signal = AbortSignal.timeout(RACE_MS);
  const racers = races.map(() =>
    fork(new URL("racer.ts", import.meta.url), [url], { execArgv: ["--disable-warning=ExperimentalWarning"] }),
  );
  const messageOf = (racer: (typeof racers)[number]) =>
    Promise.race([
      once(racer, "message", { signal }).then(([message]) => message as unknown),
      once(racer, "exit", { signal }).then(([code]) => Promise.reject(new Error(`a racer ended with ${code} before it answered`))),
    ]);
  try {
    await Promise.all(racers.map(messageOf));
    const answers = racers.map(messageOf);
    for (const [i, racer] of racers.entries()) racer.send(races[i]!);
    const won = (await Promise.all(answers)) as string[][];
    await Promise.all(racers.map((racer) => (racer.exitCode === null ? once(racer, "exit", { signal }) : undefined)));
    return won;
  } finally {
    for (const racer of racers) racer.kill("SIGKILL");
  }
}
