import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startProgram } from "../program.ts";
import { liftQueueLimit } from "../queued.ts";
import { callGateway } from "../quick/call-gateway.ts";
import { startDispatching } from "../quick/dispatcher.ts";
import { startRoles } from "../roles.ts";
import { summaryOf } from "../summary.ts";
import { temporaryDirectory } from "../temporary-directory.ts";
import { startWorld } from "../world.ts";
import type { Figure, Question, RowName } from "./figure.ts";
import { otherDatabase } from "./other-database.ts";
import { type CpuProfile, selfTimes } from "./profile-categories.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Before the profile counts, so that code is compiled. */
const WARM_UP = 8_000;
const PROFILED = 20_000;
/** Categories below this share of the time are summed as "other". */
const SHARE_MIN = 0.01;

/** Node names a profile CPU.<date>.<time>.<process>.<thread>.<number>. */
const MAIN_THREAD = /^CPU\.\d+\.\d+\.\d+\.0\./;

const nowUs = () => Number(process.hrtime.bigint() / 1_000n);

/** What do gateway and dispatcher-apns do with their CPU time? us of own time for each item, by category, from a CPU profile under full load. */
export const measureProfiles: Question = async ({ store, storeUrl, say }) => {
  const figures: Figure[] = [];
  const add = (row: RowName, role: string, times: ReadonlyMap<string, number>) =>
    figures.push(...profileFigures(times, PROFILED).map(([what, us]) => figure(row, `own time in ${role}: ${what}`, us)));
  const figure = (row: RowName, what: string, us: number): Figure => ({ row, what, store, unit: "us", value: summaryOf([us]) });
  say("Profile of dispatcher-apns");
  add("T9", "dispatcher-apns, one push", await profiled((env) => loadDispatcher(storeUrl, env)));
  say("Profile of the gateway, unary calls");
  add("T1", "gateway, one call", await profiled((env) => loadGateway(otherDatabase(storeUrl, "-gateway"), env)));
  return { figures };
};

/** Moments of process.hrtime() between which the role worked, in us. */
interface Window {
  from: number;
  to: number;
}

async function profiled(load: (env: Record<string, string>) => Promise<Window>): Promise<Map<string, number>> {
  using temporary = temporaryDirectory();
  const directory = temporary.path;
  const window = await load({ NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${directory}` });
  const times = new Map<string, number>();
  for (const name of readdirSync(directory)) {
    const profile = JSON.parse(readFileSync(join(directory, name), "utf8")) as CpuProfile;
    for (const [category, us] of selfTimes(profile, ROOT, window)) {
      // A profile has the time of a clock, not of a processor: the store's thread waits for the disk.
      const shown = MAIN_THREAD.test(name) ? category : "other threads, their waiting included";
      times.set(shown, (times.get(shown) ?? 0) + us);
    }
  }
  if (times.size === 0) throw new Error("the role wrote no profile");
  return times;
}

async function loadDispatcher(storeUrl: string, env: Record<string, string>): Promise<Window> {
  await using dispatching = await startDispatching(storeUrl, env);
  await dispatching.dispatch(WARM_UP);
  const from = nowUs();
  await dispatching.dispatch(PROFILED);
  return { from, to: nowUs() };
}

async function loadGateway(storeUrl: string, env: Record<string, string>): Promise<Window> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await startWorld(storeUrl));
  await startRoles(stack, world);
  Object.assign(world.env, env);
  const gateway = stack.use(await world.role("gateway"));
  await liftQueueLimit(world, "apns");
  const load = stack.use(startProgram(["bench/programs/load.ts"]));
  const call = (notifications: number) =>
    callGateway(load, { address: gateway.addresses.grpc ?? "", key: world.apiKey, batch: 0, notifications });
  await call(WARM_UP);
  const from = nowUs();
  await call(PROFILED);
  return { from, to: nowUs() };
}

/** us an item, by category, the largest first; what is small is summed. */
function profileFigures(times: ReadonlyMap<string, number>, items: number): [what: string, us: number][] {
  const sum = [...times.values()].reduce((a, b) => a + b, 0);
  const sorted = [...times].toSorted(([, a], [, b]) => b - a);
  const shown = sorted.filter(([, us]) => us >= sum * SHARE_MIN);
  const other = sum - shown.reduce((total, [, us]) => total + us, 0);
  return [...shown, ["other", other] as const].map(([what, us]) => [what, us / items]);
}
