// Runs the real gateway, relay, dispatch step, claim gate and receipts against simulated parts that fail: processes die or pause at any call
// and their clocks differ; the store fails before, after and long after a write; the stream loses, duplicates and reorders; Redis loses its
// data; providers answer anything, late, or nothing. One thread, simulated time, one seed.

import type { Channel } from "../../core/delivery/channel.ts";
import type { Receipt } from "../../core/delivery/receipt.ts";
import { APP, createCallers } from "./callers.ts";
import { createCancelJudge } from "./cancel-judge.ts";
import { cancelsIn, createCancels } from "./cancels.ts";
import { judge } from "./check.ts";
import { createDispatcher, type Dispatcher } from "./dispatcher.ts";
import { createInvariantChecker } from "./invariant-checker.ts";
import { createMemoryStore, type MemoryStore } from "./memory-store.ts";
import { createOldNotifications } from "./old-notifications.ts";
import { createOptOutHistory } from "./opt-out-history.ts";
import { createOwnerHistory, watchContacts } from "./owner-history.ts";
import type { Surroundings } from "./ports.ts";
import { createProcess, type SimulatedProcess } from "./process.ts";
import { createProviders } from "./providers.ts";
import { createRecipients } from "./recipients.ts";
import { createRedis } from "./redis.ts";
import { beginRedrives, redrivesIn } from "./redrives.ts";
import { runRelay } from "./relay-iterations.ts";
import { createFeedback, createGateway, createPurger, createResumeRole } from "./roles.ts";
import { createServerFaults, SERVER_FAULT_MS_MAX } from "./server-faults.ts";
import { createSimulation } from "./simulation.ts";
import { createOperators } from "./steering.ts";
import { createStream } from "./stream.ts";
import { setTiming, timingOf } from "./timing.ts";

const NOTIFICATIONS = 15;
/** How long faults are injected, in ms, and how many faults of a whole server there are at most. */
const FAULTY_MS = [60_000, 600_000, 3_600_000];
const SERVER_FAULTS_MAX = 16;
/** Delay until dead processes are started again. */
const RESTART_MS = [50, 2_000, 20_000];
/** Between two purges of contents. */
const PURGE_MS = [1_000, 20_000, 90_000];
/** The same once faults have stopped. */
const PURGE_QUIET_MS = 600_000;
/** How long no provider accepts anything, in ms. */
const OUTAGES_MS = [60_000, 1_800_000];
/** The same, in every tenth outage: it outlives every other fault, and costs as much to simulate as ten worlds. */
const DAY_OUTAGE_MS = 72_000_000;
/** How long an app's queues of one channel have no room, in every fourth world: some notifications expire before they have. */
const FULL_MS = 5_400_000;
const FULL_CHANNELS = ["fcm", "sms"] as const;
/** Without faults every delivery ends within this, including the scheduled ones. */
const QUIET_MS_MAX = 5 * 86_400_000;
const EVENTS_MAX = 300_000;
/** How often a provider repeats a receipt that was not acknowledged. */
const RECEIPT_TRIES = 5;
const RECEIPT_AGAIN_MS = 7_000;

export interface WorldEnd {
  seed: number;
  violations: readonly string[];
  /** The stored records of what broke a promise. */
  evidence: string[];
  /** The last events: time in ms since the start, process and event. */
  history: string[];
  /** Hash of the history. */
  hash: string;
  /** How often each fault happened, and how often each failpoint was passed. */
  counts: ReadonlyMap<string, number>;
  events: number;
}

export async function runWorld(seed: number): Promise<WorldEnd> {
  const simulation = createSimulation(seed);
  const { random, time } = simulation;
  const relays = new Set<{ process: SimulatedProcess; dueAt(due: number): void; resume?: () => Promise<void> }>();
  const owners = createOwnerHistory();
  const store = watchContacts(createMemoryStore(wakeRelaysAt, time.now), owners, time.now);
  const optOutHistory = createOptOutHistory();
  const timing = timingOf(seed);
  await setTiming(store, timing);
  const cancelJudge = createCancelJudge(simulation, store);
  const operators = timing.steered ? createOperators(simulation, store) : undefined;
  const checker = createInvariantChecker(simulation, store, { optOutHistory, owners, timing, cancels: cancelJudge, operators });
  const redis = createRedis(simulation);
  let storeUnavailableUntil = 0;
  const chances = {
    death: random.pick([0.002, 0.006, 0.015]),
    stall: random.pick([0.01, 0.03, 0.2]),
    fault: random.pick([0.005, 0.02, 0.05]),
  };

  let dispatchers: { process: SimulatedProcess; dispatcher: Dispatcher }[] = [];
  const ackWaitMs = random.pick([5_000, 60_000]);
  const stream = createStream(simulation, ackWaitMs, () => dispatchers.map((d) => d.dispatcher));
  const providers = createProviders(simulation, random.pick([0.2, 0.5]), (receipt) => void receive(receipt, 1));
  const around: Surroundings = {
    ...{ simulation, store, stream, redis, providers, optOutHistory, checker, timing, operators, ackWaitMs },
    settlesAtOnce: seed % 2 === 1,
  };

  function wakeRelaysAt(due: number): void {
    for (const relay of relays) relay.dueAt(due);
  }

  let processCount = 0;
  const process = (role: string) =>
    createProcess(simulation, `${role}-${++processCount}`, chances, () => time.now() < storeUnavailableUntil);

  function startDispatcher(): void {
    const its = process("dispatcher");
    dispatchers.push({ process: its, dispatcher: createDispatcher(around, its) });
    stream.pump();
  }

  const gateways = [startGateway(), startGateway()];
  function startGateway() {
    const its = process("gateway");
    return { process: its, gateway: createGateway(around, its) };
  }

  /** Attempts whose receipt feedback has acknowledged. */
  const receipted = new Set<string>();
  let feedback = startFeedback();
  function startFeedback() {
    const its = process("feedback");
    return { process: its, feedback: createFeedback(around, its) };
  }

  function startRelay(): void {
    const its = process("relay");
    relays.add({ process: its, ...runRelay(around, its), ...(operators && { resume: createResumeRole(around, its) }) });
  }

  /** Its clock never jumps: in production contents are kept longer than any clock jump that a process accepts. */
  let purger = process("purger");
  function purgeAgain(): void {
    if (purger.dead) purger = process("purger");
    void createPurger(around, purger)();
    time.after(simulation.faulty ? random.pick(PURGE_MS) : PURGE_QUIET_MS, purgeAgain);
  }

  async function receive(receipt: Receipt, tries: number): Promise<void> {
    if (tries > RECEIPT_TRIES) return;
    const { process: its, feedback: service } = feedback;
    let answered = false;
    time.after(RECEIPT_AGAIN_MS, () => {
      if (!answered) void receive(receipt, tries + 1);
    });
    if (its.dead) return;
    await its.awake();
    const [result] = await service.apply(receipt).catch(() => []);
    if (its.dead || result === undefined) return;
    answered = true;
    receipted.add(receipt.attemptId);
    if (result === "unknown") simulation.broken("2 receipts find their attempt", receipt.attemptId);
  }

  const callers = createCallers(simulation, store, async (message) => {
    const { process: its, gateway } = random.pick(gateways);
    if (its.dead) return "no answer";
    await its.awake();
    const [result] = await gateway.accept(APP, [{ message, path: "notifications[0]", violations: [] }]);
    return result ?? "no answer";
  });

  const processes = () => [...gateways, feedback, ...relays, ...dispatchers].map((p) => p.process);
  /** Replaces dead processes. */
  function restartDead(): void {
    for (const [i, { process: its }] of gateways.entries()) if (its.dead) gateways[i] = startGateway();
    if (feedback.process.dead) feedback = startFeedback();
    for (const relay of relays) {
      if (!relay.process.dead) continue;
      relays.delete(relay);
      startRelay();
    }
    for (const d of dispatchers.filter((d) => d.process.dead)) if (!d.dispatcher.drains) startDispatcher();
    dispatchers = dispatchers.filter((d) => !d.process.dead && !(d.dispatcher.drains && d.dispatcher.idle));
    // Without faults no process dies.
    if (simulation.faulty || processes().some((its) => its.dead)) time.after(random.pick(RESTART_MS), restartDead);
  }

  const { optOutForAWhile, loseForAWhile } = await createRecipients(simulation, store, optOutHistory, owners);
  startRelay();
  startRelay();
  startDispatcher();
  startDispatcher();
  restartDead();
  purgeAgain();

  const serverFaults = createServerFaults({
    ...{ simulation, stream, redis },
    failStoreFor(ms) {
      storeUnavailableUntil = time.now() + ms;
    },
    processes,
    dispatchers: () => dispatchers.map((d) => d.process),
    drain() {
      const draining = random.pick(dispatchers)?.dispatcher;
      if (!draining || draining.drains) return;
      draining.drain();
      startDispatcher();
    },
    wakeRelays: () => wakeRelaysAt(time.now()),
  });

  const badMs = random.pick(FAULTY_MS);
  const someTime = () => random.below(badMs);
  const cancels = cancelsIn(seed) ? createCancels(around, cancelJudge, () => random.pick(gateways).process) : undefined;
  const old = await createOldNotifications({ simulation, store, stream }, () => process("retention"), badMs);
  for (let i = 0; i < NOTIFICATIONS; i++) {
    const at = someTime() * random.pick([0.1, 1]);
    time.after(at, () => callers.begin(`${seed}-${i}`));
    cancels?.maybe(`${seed}-${i}`, at);
    // Some users opt out while it is being delivered.
    if (random.chance(0.15)) time.after(at + random.below(8_000), optOutForAWhile);
    if (random.chance(0.15)) time.after(at + random.below(8_000), loseForAWhile);
  }
  for (let i = random.below(SERVER_FAULTS_MAX); i > 0; i--) time.after(someTime(), random.pick(serverFaults));
  for (let i = random.below(8); i > 0; i--) time.after(someTime(), optOutForAWhile);
  for (let i = random.below(8); i > 0; i--) time.after(someTime(), loseForAWhile);
  if (redrivesIn(seed)) beginRedrives(around, () => process("operator"), someTime);

  const outage = random.chance(0.25)
    ? { at: someTime() * random.pick([0, 1]), ms: random.chance(0.1) ? DAY_OUTAGE_MS : random.pick(OUTAGES_MS) }
    : { at: 0, ms: 0 };
  if (outage.ms > 0) time.after(outage.at, () => providers.failFor(outage.ms));
  const faultsEndAt = time.now() + Math.max(badMs + SERVER_FAULT_MS_MAX, outage.at + outage.ms);
  const quietAt = Math.max(faultsEndAt, operators?.begin(someTime, faultsEndAt) ?? 0);
  operators?.keepResuming(() => {
    for (const { process: its, resume } of relays)
      if (!its.dead)
        void its
          .awake()
          .then(resume, () => {})
          .catch(() => {});
  });
  time.after(badMs, () => {
    simulation.faulty = false;
    simulation.note("world", "no more faults");
  });
  // By the seed alone, so that the other worlds are as they were.
  const full = seed % 4 === 0 ? FULL_CHANNELS[(seed / 4) % FULL_CHANNELS.length] : undefined;
  const fullUntil = time.now() + FULL_MS;
  if (full) {
    stream.fill(full, FULL_MS);
    time.after(FULL_MS, () => wakeRelaysAt(time.now()));
  }
  const quietAtOf = (channel: Channel) => (channel === full ? Math.max(quietAt, fullUntil) : quietAt);
  let events = 0;
  const ended = () =>
    ++events > EVENTS_MAX ||
    time.now() > quietAt + QUIET_MS_MAX ||
    (!simulation.faulty && callers.underWay === 0 && store.notifications.inside.open() === 0);
  await time.run(ended);

  if (callers.underWay > 0) simulation.broken("2 every caller is answered", `${callers.underWay} wait`);
  await judge({
    simulation,
    store,
    memory: providers.memory,
    accepted: [...callers.accepted, ...old.scheduled],
    receipted,
    quietAtOf,
    timing,
  });
  cancelJudge.ended(providers.memory.taken);
  checker.ended();
  const { violations, counts } = simulation;
  const about = new Set(violations.map((line) => /[0-9a-f]{32}/.exec(line)?.[0]));
  const evidence = [...about].flatMap((id) => evidenceOf(store, id));
  return { seed, violations, evidence, counts, history: simulation.history(), hash: simulation.hash(), events };
}

function evidenceOf(store: MemoryStore, id: string | undefined): string[] {
  const record = id && store.notifications.inside.get(id);
  if (!record) return [];
  const attempts = [...store.attempts.inside.values()].filter((a) => a.id.startsWith(record.id));
  return [record, ...attempts].map((stored) => JSON.stringify(stored));
}
