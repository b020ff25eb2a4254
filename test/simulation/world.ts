// Runs the real gateway, relay, dispatch step, claim gate and receipts against simulated parts that fail: processes die or pause at any call
// and their clocks differ; the store fails before, after and long after a write; the stream loses, duplicates and reorders; Redis loses its
// data; providers answer anything, late, or nothing. One thread, simulated time, one seed.

import { endpointId } from "../../adapters/ids.ts";
import type { Channel } from "../../core/delivery/channel.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { Receipt } from "../../core/delivery/receipt.ts";
import { hasOneUser } from "../../core/ports/contact-store.ts";
import { APP, createCallers, PHONE, USERS } from "./callers.ts";
import { judge } from "./check.ts";
import { createInvariantChecker } from "./invariant-checker.ts";
import { createMemoryStore, type MemoryStore } from "./memory-store.ts";
import { createOldNotifications } from "./old-notifications.ts";
import { createOptOutHistory } from "./opt-out-history.ts";
import { createOwnerHistory, watchContacts } from "./owner-history.ts";
import { createProcess, type SimulatedProcess } from "./process.ts";
import { createProviders } from "./providers.ts";
import { createRedis } from "./redis.ts";
import { runRelay } from "./relay-iterations.ts";
import { createDispatcher, createFeedback, createGateway, createPurger, type Dispatcher, type Surroundings } from "./roles.ts";
import { createSimulation } from "./simulation.ts";
import { createStream } from "./stream.ts";

const NOTIFICATIONS = 15;
/** How long faults are injected, in ms, and how many faults of a whole server there are at most. */
const FAULTY_MS = [60_000, 600_000, 3_600_000];
const SERVER_FAULTS_MAX = 16;
/** Delay until dead processes are started again. */
const RESTART_MS = [50, 2_000, 20_000];
const PAUSES_MS = [1_500, 6_000, 20_000, 90_000];
const UNAVAILABLE_MS = [1_000, 8_000, 40_000];
/** Long enough for the watchdog to evaluate what waits, once or several times. */
const STREAM_PAUSES_MS = [20_000, 70_000, 400_000];
/** How long all queues have no room, in ms; FULL_MS is longer. */
const CROWDED_MS = [20_000, 70_000];
/** A fault that begins at the last moment is in effect for so long. */
const SERVER_FAULT_MS_MAX = Math.max(...PAUSES_MS, ...UNAVAILABLE_MS, ...STREAM_PAUSES_MS, ...CROWDED_MS);
/** How long an opt-out lasts, and a device is away: shorter than the bound within which it takes effect, or longer. */
const OPTED_OUT_MS = [3_000, 30_000, 600_000];
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
const JUMPS_MS = [-10_800_000, -60_000, 60_000, 10_800_000];
/** Without faults every delivery ends within this, including the scheduled ones. */
const QUIET_MS_MAX = 5 * 86_400_000;
const EVENTS_MAX = 300_000;
/** How often a provider repeats a receipt that was not acknowledged. */
const RECEIPT_TRIES = 5;
const RECEIPT_AGAIN_MS = 7_000;

/** Has the number that callers name without a user. */
const PHONE_USER = "dana";
const deviceOf = (user: number) => ({ channel: "fcm", token: `token-${user}` }) as const;

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
  const relays = new Set<{ process: SimulatedProcess; dueAt(due: number): void }>();
  const owners = createOwnerHistory();
  const store = watchContacts(createMemoryStore(wakeRelaysAt, time.now), owners, time.now);
  const optOutHistory = createOptOutHistory();
  const checker = createInvariantChecker(simulation, store, optOutHistory, owners);
  const redis = createRedis(simulation);
  let storeUnavailableUntil = 0;
  const chances = {
    death: random.pick([0.002, 0.006, 0.015]),
    stall: random.pick([0.01, 0.03, 0.2]),
    fault: random.pick([0.005, 0.02, 0.05]),
  };

  let dispatchers: { process: SimulatedProcess; dispatcher: Dispatcher; drains: boolean }[] = [];
  const ackWaitMs = random.pick([5_000, 60_000]);
  const stream = createStream(simulation, ackWaitMs, () => dispatchers.map((d) => d.dispatcher));
  const providers = createProviders(simulation, random.pick([0.2, 0.5]), (receipt) => void receive(receipt, 1));
  const around: Surroundings = { simulation, store, stream, redis, providers, optOutHistory, checker, ackWaitMs };

  function wakeRelaysAt(due: number): void {
    for (const relay of relays) relay.dueAt(due);
  }

  let processCount = 0;
  const process = (role: string) =>
    createProcess(simulation, `${role}-${++processCount}`, chances, () => time.now() < storeUnavailableUntil);

  function startDispatcher(): void {
    const begun = { process: process("dispatcher"), drains: false };
    dispatchers.push(Object.assign(begun, { dispatcher: createDispatcher(around, begun.process, () => !begun.drains) }));
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
    relays.add({ process: its, ...runRelay(around, its) });
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

  /** Replaces dead processes. */
  function restartDead(): void {
    for (const [i, { process: its }] of gateways.entries()) if (its.dead) gateways[i] = startGateway();
    if (feedback.process.dead) feedback = startFeedback();
    for (const relay of relays) {
      if (!relay.process.dead) continue;
      relays.delete(relay);
      startRelay();
    }
    for (const d of dispatchers.filter((d) => d.process.dead)) if (!d.drains) startDispatcher();
    dispatchers = dispatchers.filter((d) => !d.process.dead && !(d.drains && d.dispatcher.idle));
    // Without faults no process dies.
    if (simulation.faulty || all().some((its) => its.dead)) time.after(random.pick(RESTART_MS), restartDead);
  }

  const all = () => [...gateways, feedback, ...relays, ...dispatchers].map((p) => p.process);
  const count = () => 1 + random.below(8);
  const serverFaults: (() => void)[] = [
    () => {
      if (simulation.happens("process paused", 1)) random.pick(all()).pause(random.pick(PAUSES_MS));
    },
    () => {
      if (simulation.happens("process paused", 1)) random.pick(dispatchers)?.process.pause(random.pick(PAUSES_MS));
    },
    () => {
      if (simulation.happens("process drained", 1)) drain();
    },
    () => {
      if (simulation.happens("store unavailable", 1)) storeUnavailableUntil = time.now() + random.pick(UNAVAILABLE_MS);
    },
    () => {
      if (simulation.happens("stream unavailable", 1)) stream.failFor(random.pick(UNAVAILABLE_MS));
      wakeRelaysAt(time.now());
    },
    () => {
      if (simulation.happens("stream paused", 1)) stream.pause(random.pick(STREAM_PAUSES_MS));
    },
    () => {
      if (simulation.happens("stream crowded", 1)) stream.crowd(random.pick(CROWDED_MS));
    },
    () => {
      if (simulation.happens("stream wiped", 1)) stream.wipe();
    },
    () => {
      if (simulation.happens("stream lost its last writes", 1)) stream.loseLast(count());
    },
    () => {
      if (simulation.happens("stream forgot its ids", 1)) stream.forgetIds();
    },
    () => {
      if (simulation.happens("stream restored acknowledged tasks", 1)) stream.restore(count());
    },
    () => {
      if (simulation.happens("stream redelivered tasks in flight", 1)) stream.redeliver();
    },
    () => {
      if (simulation.happens("redis unavailable", 1)) redis.failFor(random.pick(UNAVAILABLE_MS));
    },
    () => {
      if (simulation.happens("clock jumped", 1)) random.pick(all()).jump(random.pick(JUMPS_MS));
    },
  ];

  /** A user opts out, and most opt in again later. */
  function optOutForAWhile(): void {
    const user = random.pick([...USERS, PHONE_USER, PHONE_USER]);
    optOutHistory.record(user, time.now(), true);
    if (random.chance(0.7)) time.after(random.pick(OPTED_OUT_MS), () => optOutHistory.record(user, time.now(), false));
  }

  const registerFor = (user: string, endpoint: Endpoint) => {
    const [id, now] = [endpointId(endpoint), time.now()];
    owners.registered(id, user, now, hasOneUser(endpoint.channel));
    return store.contacts.register({ app: APP.id, userId: user, endpointId: id, endpoint, registeredAt: now });
  };

  /** A device changes hands, or is signed out, and most come back later. */
  function loseForAWhile(): void {
    const i = random.below(USERS.length);
    const [user, next] = [USERS[i]!, USERS[(i + 1) % USERS.length]!];
    const device = deviceOf(i);
    const moves = random.chance(0.5);
    if (!simulation.happens(moves ? "endpoint moved" : "endpoint removed", 1)) return;
    if (moves) void registerFor(next, device);
    else {
      owners.removed(endpointId(device), user, time.now());
      void store.contacts.remove(APP.id, user, endpointId(device));
    }
    if (random.chance(0.7)) time.after(random.pick(OPTED_OUT_MS), () => void registerFor(user, device));
  }

  /** A draining dispatcher finishes its tasks while its successor runs. */
  function drain(): void {
    const draining = random.pick(dispatchers);
    if (!draining || draining.drains) return;
    draining.drains = true;
    startDispatcher();
  }

  for (const [i, user] of USERS.entries()) {
    for (const endpoint of [
      { channel: "sms", phoneNumber: `+491511234567${i}` },
      deviceOf(i),
      ...(i === 0 ? [{ channel: "fcm", token: "tablet" } as const] : []),
    ] as const) {
      await registerFor(user, endpoint);
      // Registers an endpoint again that a provider may have reported as gone.
      time.after(random.below(600_000), () => void registerFor(user, endpoint));
    }
  }
  await registerFor(PHONE_USER, { channel: "sms", phoneNumber: PHONE });
  startRelay();
  startRelay();
  startDispatcher();
  startDispatcher();
  restartDead();
  purgeAgain();

  const badMs = random.pick(FAULTY_MS);
  const someTime = () => random.below(badMs);
  const old = await createOldNotifications({ simulation, store, stream }, () => process("retention"), badMs);
  for (let i = 0; i < NOTIFICATIONS; i++) {
    const at = someTime() * random.pick([0.1, 1]);
    time.after(at, () => callers.begin(`${seed}-${i}`));
    // Some users opt out while it is being delivered.
    if (random.chance(0.15)) time.after(at + random.below(8_000), optOutForAWhile);
    if (random.chance(0.15)) time.after(at + random.below(8_000), loseForAWhile);
  }
  for (let i = random.below(SERVER_FAULTS_MAX); i > 0; i--) time.after(someTime(), random.pick(serverFaults));
  for (let i = random.below(8); i > 0; i--) time.after(someTime(), optOutForAWhile);
  for (let i = random.below(8); i > 0; i--) time.after(someTime(), loseForAWhile);

  const outage = random.chance(0.25)
    ? { at: someTime() * random.pick([0, 1]), ms: random.chance(0.1) ? DAY_OUTAGE_MS : random.pick(OUTAGES_MS) }
    : { at: 0, ms: 0 };
  if (outage.ms > 0) time.after(outage.at, () => providers.failFor(outage.ms));
  const quietAt = time.now() + Math.max(badMs + SERVER_FAULT_MS_MAX, outage.at + outage.ms);
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
  await judge({ simulation, store, memory: providers.memory, accepted: [...callers.accepted, ...old.scheduled], receipted, quietAtOf });
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
