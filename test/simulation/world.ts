// The real gateway, relay, dispatch step, claim gate and receipts, in a world where everything else goes wrong: processes die or stand still at any call and
// their clocks differ, the store fails before, after and long after it wrote, the stream loses, repeats and reorders, Redis forgets, providers
// answer anything, late, or nothing. One thread, a clock that only events move, one seed.

import { endpointId } from "../../adapters/ids.ts";
import type { Receipt } from "../../core/delivery/receipt.ts";
import { APP, createCallers, USERS } from "./callers.ts";
import { judge } from "./check.ts";
import { createMemoryStore, type MemoryStore } from "./memory-store.ts";
import { createNature } from "./nature.ts";
import { createOldNotifications } from "./old-notifications.ts";
import { createProcess, type SimulatedProcess } from "./process.ts";
import { createProviders } from "./providers.ts";
import { createRedis } from "./redis.ts";
import { runRelay } from "./relay-iterations.ts";
import { createDispatcher, createFeedback, createGateway, createPurger, type Dispatcher, type Surroundings } from "./roles.ts";
import { createStream } from "./stream.ts";
import { createWishes } from "./wishes.ts";
import { createWitness } from "./witness.ts";

const NOTIFICATIONS = 15;
/** While things go wrong, in ms; and how often something befalls a whole server. */
const BAD_TIMES_MS = [60_000, 600_000, 3_600_000];
const CATASTROPHES_MAX = 16;
/** Of one life; then another is started. */
const RESTART_MS = [50, 2_000, 20_000];
const PAUSES_MS = [1_500, 6_000, 20_000, 90_000];
const AWAY_MS = [1_000, 8_000, 40_000];
/** Until the watchdog looks at what waits: once, or several times. */
const HELD_MS = [20_000, 70_000, 400_000];
/** How long an opt-out holds: not as long as it takes to be obeyed, or longer. */
const OPTED_OUT_MS = [3_000, 30_000, 600_000];
/** Between two purges of contents. */
const PURGE_MS = [1_000, 20_000, 90_000];
const JUMPS_MS = [-10_800_000, -60_000, 60_000, 10_800_000];
/** Without faults every delivery ends within this, however far ahead its times are. */
const QUIET_MS_MAX = 5 * 86_400_000;
const EVENTS_MAX = 300_000;
/** How often a provider repeats a receipt that was not taken. */
const RECEIPT_TRIES = 5;
const RECEIPT_AGAIN_MS = 7_000;

export interface WorldEnd {
  seed: number;
  violations: readonly string[];
  /** What is stored about what broke a promise. */
  evidence: string[];
  /** The last events, each with its time in ms from the beginning, its process and what it was. */
  history: string[];
  /** The same for the same history. */
  hash: string;
  /** How often each fault happened, and each step was reached. */
  counts: ReadonlyMap<string, number>;
  events: number;
}

export async function runWorld(seed: number): Promise<WorldEnd> {
  const nature = createNature(seed);
  const { random, time } = nature;
  const relays = new Set<{ process: SimulatedProcess; dueAt(due: number): void }>();
  const store = createMemoryStore((due) => {
    for (const relay of relays) relay.dueAt(due);
  }, time.now);
  const wishes = createWishes();
  const witness = createWitness(nature, store, wishes);
  const redis = createRedis(nature);
  let storeAwayUntil = 0;
  const chances = {
    death: random.pick([0.002, 0.006, 0.015]),
    stall: random.pick([0.01, 0.03, 0.2]),
    fault: random.pick([0.005, 0.02, 0.05]),
  };

  let dispatchers: { process: SimulatedProcess; dispatcher: Dispatcher; drains: boolean }[] = [];
  const stream = createStream(nature, random.pick([5_000, 60_000]), () => dispatchers.map((d) => d.dispatcher));
  const providers = createProviders(nature, random.pick([0.2, 0.5]), (receipt) => void receive(receipt, 1));
  const around: Surroundings = { nature, store, stream, redis, providers, wishes, witness };

  let born = 0;
  const process = (role: string) => createProcess(nature, `${role}-${++born}`, chances, () => time.now() < storeAwayUntil);

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

  /** Attempts of which a provider was told that its receipt is known. */
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

  /** Its clock never jumps: in a system that runs, the margin of what is kept is longer than any jump that is believed. */
  let purger = process("purger");
  function purgeAgain(): void {
    if (purger.dead) purger = process("purger");
    void createPurger(around, purger)();
    time.after(random.pick(PURGE_MS), purgeAgain);
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
    if (result === "unknown") nature.broken("2 receipts find their attempt", receipt.attemptId);
  }

  const callers = createCallers(nature, store, async (message) => {
    const { process: its, gateway } = random.pick(gateways);
    if (its.dead) return "no answer";
    await its.awake();
    const [result] = await gateway.accept(APP, [{ message, path: "notifications[0]", violations: [] }]);
    return result ?? "no answer";
  });

  /** Starts what is dead again. */
  function tend(): void {
    for (const [i, { process: its }] of gateways.entries()) if (its.dead) gateways[i] = startGateway();
    if (feedback.process.dead) feedback = startFeedback();
    for (const relay of relays) {
      if (!relay.process.dead) continue;
      relays.delete(relay);
      startRelay();
    }
    for (const d of dispatchers.filter((d) => d.process.dead)) if (!d.drains) startDispatcher();
    dispatchers = dispatchers.filter((d) => !d.process.dead && !(d.drains && d.dispatcher.idle));
    time.after(random.pick(RESTART_MS), tend);
  }

  const all = () => [...gateways, feedback, ...relays, ...dispatchers].map((p) => p.process);
  const count = () => 1 + random.below(8);
  const catastrophes: (() => void)[] = [
    () => {
      if (nature.happens("process paused", 1)) random.pick(all()).pause(random.pick(PAUSES_MS));
    },
    () => {
      if (nature.happens("process paused", 1)) random.pick(dispatchers)?.process.pause(random.pick(PAUSES_MS));
    },
    () => {
      if (nature.happens("process drained", 1)) drain();
    },
    () => {
      if (nature.happens("store away", 1)) storeAwayUntil = time.now() + random.pick(AWAY_MS);
    },
    () => {
      if (nature.happens("stream away", 1)) stream.goAway(random.pick(AWAY_MS));
    },
    () => {
      if (nature.happens("stream held back", 1)) stream.hold(random.pick(HELD_MS));
    },
    () => {
      if (nature.happens("stream wiped", 1)) stream.wipe();
    },
    () => {
      if (nature.happens("stream lost its last writes", 1)) stream.loseLast(count());
    },
    () => {
      if (nature.happens("stream forgot its ids", 1)) stream.forgetIds();
    },
    () => {
      if (nature.happens("stream brought back what was acknowledged", 1)) stream.bringBack(count());
    },
    () => {
      if (nature.happens("stream redelivered what was under way", 1)) stream.redeliver();
    },
    () => {
      if (nature.happens("redis away", 1)) redis.goAway(random.pick(AWAY_MS));
    },
    () => {
      if (nature.happens("clock jumped", 1)) random.pick(all()).jump(random.pick(JUMPS_MS));
    },
  ];

  /** Some opt out, and allow again a while later. */
  function changeMind(): void {
    const user = random.pick(USERS);
    wishes.set(user, time.now(), true);
    if (random.chance(0.7)) time.after(random.pick(OPTED_OUT_MS), () => wishes.set(user, time.now(), false));
  }

  /** Who drains finishes what is under way, beside its successor. */
  function drain(): void {
    const draining = random.pick(dispatchers);
    if (!draining || draining.drains) return;
    draining.drains = true;
    startDispatcher();
  }

  for (const [i, user] of USERS.entries()) {
    for (const endpoint of [
      { channel: "sms", phoneNumber: `+491511234567${i}` },
      { channel: "fcm", token: `token-${i}` },
      ...(i === 0 ? [{ channel: "fcm", token: "tablet" } as const] : []),
    ] as const) {
      const register = () =>
        store.contacts.register({ app: APP.id, userId: user, endpointId: endpointId(endpoint), endpoint, registeredAt: time.now() });
      await register();
      // Those whose endpoint is gone come back with it.
      time.after(random.below(600_000), () => void register());
    }
  }
  startRelay();
  startRelay();
  startDispatcher();
  startDispatcher();
  tend();
  purgeAgain();

  const badMs = random.pick(BAD_TIMES_MS);
  const someTime = () => random.below(badMs);
  const old = await createOldNotifications({ nature, store, stream }, () => process("retention"), badMs);
  for (let i = 0; i < NOTIFICATIONS; i++) {
    const at = someTime() * random.pick([0.1, 1]);
    time.after(at, () => callers.begin(`${seed}-${i}`));
    // Some opt out while it is on its way.
    if (random.chance(0.15)) time.after(at + random.below(8_000), changeMind);
  }
  for (let i = random.below(CATASTROPHES_MAX); i > 0; i--) time.after(someTime(), random.pick(catastrophes));
  for (let i = random.below(8); i > 0; i--) time.after(someTime(), changeMind);

  const quietAt = time.now() + badMs;
  time.after(badMs, () => {
    nature.faulty = false;
    nature.note("world", "is kind from now on");
  });
  let events = 0;
  const ended = () =>
    ++events > EVENTS_MAX ||
    time.now() > quietAt + QUIET_MS_MAX ||
    (!nature.faulty && callers.underWay === 0 && store.notifications.inside.open() === 0);
  await time.run(ended);

  if (callers.underWay > 0) nature.broken("2 every caller is answered", `${callers.underWay} wait`);
  await judge({ nature, store, memory: providers.memory, accepted: [...callers.accepted, ...old.scheduled], receipted, quietAt });
  const { violations, counts } = nature;
  const evidence = violations.flatMap((line) => evidenceOf(store, /[0-9a-f]{32}/.exec(line)?.[0]));
  return { seed, violations, evidence, counts, history: nature.history(), hash: nature.hash(), events };
}

function evidenceOf(store: MemoryStore, id: string | undefined): string[] {
  const record = id && store.notifications.inside.get(id);
  if (!record) return [];
  const attempts = [...store.attempts.inside.values()].filter((a) => a.id.startsWith(record.id));
  return [record, ...attempts].map((stored) => JSON.stringify(stored));
}
