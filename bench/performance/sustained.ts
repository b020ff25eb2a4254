import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openStore } from "../../adapters/store/open-store.ts";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import { streamName } from "../../core/delivery/subjects.ts";
import { readAudit } from "../../operations/audit/read-audit.ts";
import { systemClock } from "../../runtime/clock.ts";
import { startSandbox } from "../../sandbox/main.ts";
import { OTHER_CORES_MAX } from "../compare/rounds.ts";
import { cpuMs, otherLoad, readMachine, residentBytes } from "../process-cpu.ts";
import { type Program, startProgram } from "../program.ts";
import type { MixedOrder, MixedReport } from "../programs/mixed-load.ts";
import { summaryOf } from "../summary.ts";
import { startWorld, type World } from "../world.ts";
import type { Answer, Figure, Question } from "./figure.ts";

/** Ten times the average of 16 million a day. */
const WANTED_PER_SECOND = 1_900;
/** Where that cannot be held, this much of the rate before is tried. */
const STEP_DOWN = 0.85;
const TRIES_MAX = 10;
/** How often a trial is repeated beside which other programs ran. */
const DISTURBED_MAX = 2;
const SECONDS = 600;
/** How long each rate is tried before. */
const TRIAL_SECONDS = 20;
/** While code is compiled. */
const WARM_UP_PER_SECOND = 800;
/** A rate is held where 99 % of the calls are answered within this time after they were due, in ms, */
const ACCEPT_MS_MAX = 1_000;
/** and the last notification has arrived so long after the last call was due, in ms. */
const LAG_MS_MAX = 2_000;
/** Wait for what is left after a rate that could not be held. */
const DRAINED_MS = 600_000;
const POLL_MS = 20;
/** Length of an order to the load generator, and time between two readings of memory, in s. */
const ORDER_SECONDS = 5;
/** Wait for the answer to an order: for those of the last calls, where the rate cannot be held. */
const ORDER_MS_MAX = 120_000;

/** Which rate can one machine hold with every channel, what does each role use at it, and does everything arrive once? */
export const createSustained =
  (seconds: number, trialSeconds = TRIAL_SECONDS): Question =>
  async ({ store, storeUrl, say }) => {
    const isDisturbed = ({ otherCores }: Conveyed) => otherCores > OTHER_CORES_MAX;
    await using stack = new AsyncDisposableStack();
    const system = await startSystem(stack, await startWorld(storeUrl));
    await convey(system, WARM_UP_PER_SECOND, trialSeconds);
    let perSecond = WANTED_PER_SECOND;
    const tried: string[] = [];
    for (let tries = 1; ; tries++) {
      let trial = await convey(system, perSecond, trialSeconds);
      for (let again = 0; again < DISTURBED_MAX && isDisturbed(trial); again++) trial = await convey(system, perSecond, trialSeconds);
      const isHeld = trial.lagMs <= LAG_MS_MAX && trial.report.unaryMs.p99 <= ACCEPT_MS_MAX;
      tried.push(`${perSecond}/s ${isHeld ? "held" : "not held"}`);
      const { p50, p99 } = trial.report.unaryMs;
      say(
        `${tried.at(-1)}: accepted after ${Math.round(p50)} ms, p99 ${Math.round(p99)} ms; the last arrived ${Math.round(trial.lagMs)} ms late; ${cores(trial)}`,
      );
      if (isHeld || tries === TRIES_MAX) break;
      perSecond = Math.round((perSecond * STEP_DOWN) / 10) * 10;
    }
    const run = await convey(system, perSecond, seconds, say);
    say(cores(run));
    await check(system, say);
    return answerOf(run, store, tried);
  };

export const measureSustained: Question = createSustained(SECONDS);

interface System {
  world: World;
  load: Program;
  /** Process ids by name. */
  pids: Readonly<Record<string, number>>;
  roles: readonly string[];
  stubs: Readonly<Record<Channel, Program>>;
  target: Pick<MixedOrder, "address" | "key" | "subscription">;
  /** Of all runs. */
  accepted: number;
}

async function startSystem(stack: AsyncDisposableStack, started: World): Promise<System> {
  const world = stack.use(started);
  // Credentials, certificate and access tokens; the sends go to the stubs.
  const directory = join(world.directory, "sandbox");
  const sandbox = stack.use(await startSandbox({ directory }));
  const files = [join(directory, "server.pem"), join(directory, "server-key.pem")];
  const stubs = Object.fromEntries(
    CHANNELS.map((channel) => [
      channel,
      stack.use(startProgram([`bench/programs/${channel === "apns" ? "push" : "provider"}-stub.ts`, ...files])),
    ]),
  ) as Record<Channel, Program>;
  const originOf = async (channel: Channel) => (await stubs[channel].ask<{ origin: string }>()).origin;
  const origin = await originOf("webpush");
  Object.assign(world.env, sandbox.env, {
    ...{ APNS_ORIGIN: await originOf("apns"), FCM_ORIGIN: await originOf("fcm"), TWILIO_ORIGIN: await originOf("sms") },
    ...{ SENDGRID_ORIGIN: await originOf("email"), WEBPUSH_HOSTS: new URL(origin).host, OUTBOUND_ALLOWED_ADDRESSES: "127.0.0.1" },
    ...{ SMS_PROVIDERS: "twilio", EMAIL_PROVIDERS: "sendgrid" },
  });
  const pids: Record<string, number> = {};
  const roles: string[] = [];
  async function start(name: string) {
    const role = stack.use(await world.role(name));
    pids[name] = role.pid;
    roles.push(name);
    return role;
  }
  const preferences = await start("preferences");
  world.env.PREFERENCES_ADDRESS = preferences.addresses.grpc ?? "";
  const gateway = await start("gateway");
  for (const name of ["relay", "feedback", ...CHANNELS.map((channel) => `dispatcher-${channel}`)]) await start(name);
  const load = stack.use(startProgram(["bench/programs/mixed-load.ts"]));
  Object.assign(pids, { nats: world.natsServer.pid ?? 0, redis: world.redisServer.pid ?? 0, "load generator": load.pid });
  for (const channel of CHANNELS) pids[`stub of ${channel}`] = stubs[channel].pid;
  const { p256dh, auth } = sandbox.webPushSubscription("bench");
  const target = { address: gateway.addresses.grpc ?? "", key: world.apiKey, subscription: { origin, p256dh, auth } };
  return { world, load, pids, roles, stubs, target, accepted: 0 };
}

interface Conveyed {
  perSecond: number;
  report: MixedReport;
  arrived: Readonly<Record<Channel, number>>;
  /** From when the last call was due until everything has arrived and is stored. */
  lagMs: number;
  /** By process: share of one core while calls were made. */
  coreShare: Readonly<Record<string, number>>;
  /** Cores that other programs used then. */
  otherCores: number;
  /** By role: resident MiB over time. */
  memory: Readonly<Record<string, readonly (readonly [s: number, mib: number])[]>>;
}

/** Sends at this rate, and waits until everything has arrived. Rejects where something is lost, arrives twice or is not accepted. */
async function convey(system: System, perSecond: number, seconds: number, say?: (line: string) => void): Promise<Conveyed> {
  const { load, pids, roles, stubs, target, world } = system;
  const taken = async () =>
    Object.fromEntries(
      await Promise.all(CHANNELS.map(async (channel) => [channel, (await stubs[channel].ask<{ taken: number }>()).taken] as const)),
    ) as Record<Channel, number>;
  const before = await taken();
  const read = () => ({ machine: readMachine(), cpu: Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuMs(pid)])) });
  const memory = Object.fromEntries(roles.map((role) => [role, [] as [number, number][]]));
  const [from, began] = [read(), performance.now()];
  let report: MixedReport | undefined;
  for (
    let untilSecond = Math.min(seconds, ORDER_SECONDS);
    report === undefined;
    untilSecond = Math.min(seconds, untilSecond + ORDER_SECONDS)
  ) {
    const order: MixedOrder = { ...target, perSecond, untilSecond, isLast: untilSecond === seconds };
    report = await load.ask<MixedReport | undefined>(order, ORDER_MS_MAX);
    for (const role of roles) memory[role]!.push([untilSecond, residentBytes(pids[role]!) / 2 ** 20]);
    if (untilSecond % 60 === 0)
      say?.(`  ${untilSecond} s: ${roles.map((role) => `${role} ${Math.round(memory[role]!.at(-1)![1])} MiB`).join(", ")}`);
  }
  const [to, ended] = [read(), performance.now()];
  if (report.failed > 0) throw new Error(`${report.failed} notifications were not accepted`);
  const arrived = await drained();
  system.accepted += sum(report.accepted);
  const coreShare = Object.fromEntries(Object.keys(pids).map((name) => [name, (to.cpu[name]! - from.cpu[name]!) / (ended - began)]));
  const otherCores = otherLoad(from.machine, to.machine, availableParallelism()).cores;
  return { perSecond, report, arrived, lagMs: performance.now() - (began + seconds * 1_000), coreShare, otherCores, memory };

  /** Waits until as many have arrived as were accepted, and the streams are empty: then the outcomes are stored. */
  async function drained(): Promise<Record<Channel, number>> {
    const giveUpAt = performance.now() + DRAINED_MS;
    for (;;) {
      const now = await taken();
      const arrived = Object.fromEntries(CHANNELS.map((channel) => [channel, now[channel] - before[channel]])) as Record<Channel, number>;
      const accepted = report!.accepted;
      const twice = CHANNELS.filter((channel) => arrived[channel] > (accepted[channel] ?? 0));
      const missing = CHANNELS.filter((channel) => arrived[channel] < (accepted[channel] ?? 0));
      if (twice.length > 0) throw new Error(`more has arrived than was accepted: ${JSON.stringify({ arrived, accepted })}`);
      if (missing.length === 0 && (await queued(world)) === 0) return arrived;
      if (performance.now() > giveUpAt)
        throw new Error(`not all has arrived within ${DRAINED_MS} ms: ${JSON.stringify({ arrived, accepted })}`);
      await delay(POLL_MS);
    }
  }
}

async function queued({ manager }: World): Promise<number> {
  const infos = await Promise.all(CHANNELS.map((channel) => manager.streams.info(streamName(channel))));
  return infos.reduce((messages, { state }) => messages + state.messages, 0);
}

/** Reads everything back: every notification that was accepted is stored, was sent by one attempt, and every promise is kept. */
async function check({ world, accepted }: System, say: (line: string) => void): Promise<void> {
  await using store = await openStore(world.storeUrl);
  const { notifications, ended, attempts, checks } = await readAudit({ store, clock: systemClock }, {});
  say(`audit: ${notifications} notifications, ${ended} deliveries ended, ${attempts} attempts`);
  const broken = checks.filter(({ holds }) => !holds);
  if (broken.length > 0) throw new Error(broken.map(({ promise, detail }) => `${promise}: ${detail}`).join("; "));
  if (notifications !== accepted || ended !== accepted || attempts !== accepted)
    throw new Error(`of ${accepted} accepted: ${notifications} stored, ${ended} ended, ${attempts} attempts`);
}

const sum = (counts: Partial<Record<Channel, number>>) => CHANNELS.reduce((total, channel) => total + (counts[channel] ?? 0), 0);

const cores = ({ coreShare, otherCores }: Conveyed) =>
  `of a core: ${Object.entries(coreShare)
    .filter(([, share]) => share >= 0.005)
    .sort(([, a], [, b]) => b - a)
    .map(([name, share]) => `${name} ${Math.round(share * 100)} %`)
    .join(", ")}; others ${Math.round(otherCores * 100)} %`;

function answerOf(
  { perSecond, report, arrived, lagMs, coreShare, otherCores, memory }: Conveyed,
  store: Figure["store"],
  tried: readonly string[],
): Answer {
  const figure = (what: string, unit: string, value: number): Figure => ({
    ...{ row: "sustained", what, unit, value: summaryOf([value]) },
    ...(store ? { store } : {}),
  });
  const accepted = sum(report.accepted);
  const marks = (points: readonly (readonly [number, number])[]) =>
    [0.1, 0.5, 1].map((share) => points[Math.max(0, Math.ceil(points.length * share) - 1)]!);
  return {
    figures: [
      figure(`rate held, half unary and half in batches of 100 (${tried.join(", ")})`, "/s", perSecond),
      figure("accepted", "", accepted),
      ...CHANNELS.map((channel) => figure(`arrived at the stub of ${channel}`, "", arrived[channel])),
      figure("lost, or arrived twice", "", accepted - sum(arrived)),
      figure("last arrival after the last call was due", "ms", lagMs),
      figure("accepting one: p50", "ms", report.unaryMs.p50),
      figure("accepting one: p99", "ms", report.unaryMs.p99),
      figure("accepting a batch: p99", "ms", report.batchMs.p99),
      ...Object.entries(coreShare).map(([name, share]) => figure(`CPU of ${name}, of one core`, "%", share * 100)),
      figure("CPU of other programs, of one core", "%", otherCores * 100),
      ...Object.entries(memory).flatMap(([role, points]) =>
        marks(points).map(([second, mib]) => figure(`resident memory of ${role} after ${second} s`, "MiB", mib)),
      ),
    ],
    curves: [
      {
        ...{
          name: `sustained-memory-${store}`,
          title: `Memory of the roles at ${Math.round(perSecond)} notifications a second`,
          x: "s",
          y: "MiB",
        },
        lines: Object.entries(memory).map(([name, points]) => ({ name, points })),
      },
    ],
  };
}
