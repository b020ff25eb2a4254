import { LRUCache } from "lru-cache";
import { type AppAccounts, accountFor, NO_ACCOUNTS } from "../core/apps/accounts.ts";
import type { Content } from "../core/content/content.ts";
import { accountNameOf, DEFAULT_ACCOUNT } from "../core/delivery/account.ts";
import { ADAPTER_GRACE_MS } from "../core/delivery/call-limits.ts";
import type { NotificationClass } from "../core/delivery/channel.ts";
import { afterCall, type Circuit, CLOSED, OPEN_LONGEST_MS, type Opening, passageOf, probing, waitMs } from "../core/delivery/circuit.ts";
import { accountCircuit, circuitsOf, evidenceOf, isAppCircuit } from "../core/delivery/circuit-scope.ts";
import { MISCONFIGURED_WAIT_MS } from "../core/delivery/decide.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import type { Outcome } from "../core/delivery/outcome.ts";
import { circuitOpenDetail, type Reason, reason, reasonText } from "../core/delivery/reason.ts";
import type { Clock, Random } from "../core/ports/clock.ts";
import type { Provider } from "../core/ports/provider.ts";
import type { SharedCircuit, SharedCircuits } from "../core/ports/shared-circuits.ts";
import { type AccountSteering, accountStateOf, type Steering } from "../core/steering/steering.ts";
import type { Target } from "../core/steering/target.ts";
import type { Logger } from "../runtime/logger.ts";
import type { DispatchMetrics } from "./metrics.ts";

/** Circuits remembered; a channel has its accounts, and as many countries or push services as it sends to, and apps whose endpoints are rejected. */
const CIRCUITS_MAX = 1_000;
/** By `maxSize`, because `max` allocates the room for all of them at once. */
const BOUND = { maxSize: CIRCUITS_MAX, sizeCalculation: () => 1 };
/** Between two readings of the circuits that the other pods share, in ms. */
export const SHARING_MS = 1_000;
/** The shortest time between two reports to the other pods that a circuit works, in ms. */
const SUCCESS_SHARED_MS = 5_000;

/** How far the clocks of two pods may differ, in ms; see the relay's CLOCK_SKEW_MS. */
const CLOCKS_DIFFER_MS = 5_000;

/** A provider that may be called, and the circuits that the call is a probe of. */
export interface Passage {
  kind: "call";
  provider: Provider;
  /** How many providers of the app's accounts can send it, this one included. */
  choices: number;
  app: string;
  endpoint: Endpoint;
  /** Route.sender. */
  sender?: string | undefined;
  probes: readonly string[];
  /** Which passage of this process it is. */
  holder: string;
}
/** No provider may be called: when to try again, and why. */
export interface Wait {
  kind: "wait";
  waitMs: number;
  reason: Reason;
  /** Whether the account's own circuit is open at every provider, so that nothing of it is sent. */
  isWhole: boolean;
}

/** An operator has paused the first account that could send it, or drained every one. */
export interface Paused {
  kind: "paused";
  target: Target;
}

export interface CircuitTask {
  app: string;
  endpoint: Endpoint;
  content: Content;
  notificationClass: NotificationClass;
  /** Its number in the run, from 1. */
  attempt: number;
  /** It repeats an attempt of unknown outcome. */
  policyResend?: boolean | undefined;
  /** How often it was published under this number before. */
  publication: number;
}

export interface CircuitParts {
  providers: readonly Provider[];
  clock: Clock;
  random: Random;
  log: Logger;
  /** Of one provider call. */
  deadlineMs: number;
  metrics?: Pick<DispatchMetrics, "circuits"> | undefined;
  /** What the channel's other pods know; absent: nothing. */
  shared?: SharedCircuits | undefined;
}

/** A provider that can send a delivery, and from which of its senders. */
type Choice = Pick<Passage, "provider" | "sender">;
/** A choice, and what operators say about its account. */
type SteeredChoice = Choice & AccountSteering;

export type CircuitBreakers = ReturnType<typeof createCircuitBreakers>;

/** Opens a circuit for an account of a provider, or a part of its service, that fails; its deliveries then wait instead of calling. */
export function createCircuitBreakers({ providers, clock, random, log, deadlineMs, metrics, shared }: CircuitParts) {
  /** `at`: when it last opened, closed or was shown to work, in ms since the epoch. */
  const circuits = new LRUCache<string, { circuit: Circuit; at: number }>({
    ...BOUND,
    dispose: ({ circuit }, name, why) => void (why === "evict" && circuit.open && metrics?.circuits.dec(labelsOf(name))),
  });
  const successShownAt = new LRUCache<string, number>(BOUND);
  let passageCount = 0;
  /** From the admission to the recorded outcome. */
  const probeMs = 2 * (deadlineMs + ADAPTER_GRACE_MS);
  const nameOf = ({ name, account }: Pick<Provider, "name" | "account">, part: string) => `${name}/${accountNameOf({ account })} ${part}`;
  const circuitOf = (name: string) => circuits.get(name)?.circuit ?? CLOSED;
  const servingWith = (accounts: AppAccounts, { channel }: Endpoint) =>
    providers.filter((provider) => accountNameOf(provider) === accountFor(accounts, { name: provider.name, channel }));

  /** Whether another provider of the channel has no such account, as where its file is faulty. */
  const lacksAccount = (serving: readonly Provider[]) =>
    new Set(providers.map(({ name }) => name)).size > new Set(serving.map(({ name }) => name)).size;

  /** Keeps a circuit that changed, tells the log when it opens or closes, and the other pods. */
  function keep(name: string, next: Circuit, by: "this pod" | "another pod" | "new credentials"): void {
    const before = circuitOf(name);
    if (next === before) return;
    const isVerdict = before.open !== next.open || next === CLOSED;
    circuits.set(name, { circuit: next, at: isVerdict ? clock.now() : (circuits.get(name)?.at ?? 0) });
    if (Boolean(before.open) !== Boolean(next.open)) {
      const why = (next.open ?? before.open)!.reason;
      metrics?.circuits.inc(labelsOf(name), next.open ? 1 : -1);
      log[next.open ? "warn" : "info"]({ circuit: name, reason: reasonText(why), by }, next.open ? "circuit opened" : "circuit closed");
    }
    if (by !== "another pod" && before.open !== next.open) show(name, next.open);
  }

  const show = (name: string, open: Opening | undefined) =>
    void shared?.write(name, { at: clock.now(), open: open && moved(open, offset()) });
  /** From this process's monotonic clock to moments that other pods understand. */
  const offset = () => clock.now() - clock.monotonic();
  const inMonotonicTime = (open: Opening) => moved(open, -offset());
  const withinBounds = (open: Opening): Opening => {
    const latest = clock.monotonic() + OPEN_LONGEST_MS;
    return { ...open, until: Math.min(open.until, latest), criticalUntil: Math.min(open.criticalUntil, latest) };
  };

  /** What another pod knows, where that is newer. */
  function adopt(name: string, { at, open }: SharedCircuit): void {
    const own = circuits.get(name);
    // A clock that is ahead would always know best.
    if (at > clock.now() + CLOCKS_DIFFER_MS) return;
    if (open) {
      if (!own || at > own.at) keep(name, { ...own?.circuit, open: withinBounds(inMonotonicTime(open)) }, "another pod");
    } else if (own?.circuit.open) {
      if (at >= own.at) keep(name, CLOSED, "another pod");
    }
    // Between our failures there was a success: it is not the provider that fails.
    else if (own?.circuit.run && at - offset() > own.circuit.run.since) keep(name, CLOSED, "another pod");
  }

  function release(probes: readonly string[], holder: string): void {
    for (const name of probes) {
      keep(name, afterCall(circuitOf(name), { kind: "neutral" }, true, clock.monotonic()), "this pod");
      void shared?.probeEnded(name, holder);
    }
  }

  const passes = ({ provider, sender }: Choice, { app, endpoint, notificationClass }: CircuitTask) =>
    circuitsOf(endpoint, app, sender).map((part) => {
      const name = nameOf(provider, part);
      return { name, passage: passageOf(circuitOf(name), notificationClass, clock.monotonic()) };
    });

  function waitOf(own: readonly Choice[], task: CircuitTask): Wait {
    const { app, endpoint, notificationClass, publication } = task;
    if (own.length === 0)
      return { kind: "wait", waitMs: MISCONFIGURED_WAIT_MS, reason: reason("misconfigured", "no such account"), isWhole: true };
    const now = clock.monotonic();
    const waits = own.map(({ provider, sender }) => {
      const all = circuitsOf(endpoint, app, sender).map((part) => circuitOf(nameOf(provider, part)));
      const each = all.map((circuit) => ({ circuit, ms: waitMs(circuit, notificationClass, publication, now, random()) }));
      return each.reduce((longest, next) => (next.ms > longest.ms ? next : longest));
    });
    const soonest = waits.reduce((least, next) => (next.ms < least.ms ? next : least));
    const { code, detail = "" } = soonest.circuit.open?.reason ?? reason("unavailable");
    const isWhole = own.every(({ provider }) => circuitOf(nameOf(provider, accountCircuit(endpoint))).open !== undefined);
    // The circuit's reason is about other calls. Only a delivery that repeats a call without an answer has an unknown outcome of its own.
    const why = code === "outcome-unknown" && !task.policyResend ? "unavailable" : code;
    return { kind: "wait", waitMs: soonest.ms, reason: reason(why, circuitOpenDetail(detail || code)), isWhole };
  }

  return {
    /**
     * The provider for this attempt, or the next one whose circuits let it pass: the first for attempt 1, the second for attempt 2, and round again. Drained
     * accounts are left out. While the first of the others is paused the delivery waits, and no paused one is called.
     */
    async choose(task: CircuitTask, accounts = NO_ACCOUNTS, steering: Steering = []): Promise<Passage | Wait | Paused> {
      const { app, endpoint } = task;
      const serving = servingWith(accounts, endpoint);
      const able = serving.flatMap((provider): SteeredChoice[] => {
        const route = provider.route?.(task) ?? { kind: "open" };
        return route.kind === "open" ? [{ provider, sender: route.sender, ...accountStateOf(provider, steering, clock.now()) }] : [];
      });
      // None can ever send it: the first one says why, without a call, whatever its circuits. Where a provider lacks the account, it might.
      if (able.length === 0 && serving[0] && !lacksAccount(serving))
        return { kind: "call", provider: serving[0], choices: 1, app, endpoint, probes: [], holder: `${++passageCount}` };
      const left = steering.length > 0 ? withoutDrained(able) : able;
      const held = left[0] ?? able[0];
      if (held?.target) return { kind: "paused", target: held.target };
      const own = left.filter(({ state }) => state === "open");
      const first = (task.attempt - 1) % Math.max(own.length, 1);
      for (const choice of [...own.slice(first), ...own.slice(0, first)]) {
        const all = passes(choice, task);
        if (all.some(({ passage }) => passage === "wait")) continue;
        const probes = all.filter(({ passage }) => passage === "probe").map(({ name }) => name);
        const holder = `${++passageCount}`;
        // In this pod before the other pods are asked: many tasks may ask at once.
        for (const name of probes) keep(name, probing(circuitOf(name), clock.monotonic() + probeMs), "this pod");
        const won = await Promise.all(probes.map(async (name) => (await shared?.mayProbe(name, holder, probeMs)) ?? true));
        if (won.every(Boolean)) {
          const { provider, sender } = choice;
          return { kind: "call", provider, sender, choices: own.length, app, endpoint, probes, holder };
        }
        release(
          probes.filter((_, i) => won[i]),
          holder,
        );
      }
      return waitOf(own, task);
    },

    /** What an attempt's outcome says. */
    record({ provider, app, endpoint, sender, probes, holder }: Omit<Passage, "kind" | "choices">, outcome: Outcome): void {
      for (const [part, evidence] of evidenceOf(outcome, endpoint, app, sender)) {
        const name = nameOf(provider, part);
        const now = clock.monotonic();
        // There are many apps, and each pod reads all that is shared: an app's success is shown only where this pod knows of failures.
        const isShown = !isAppCircuit(part) || circuitOf(name) !== CLOSED;
        keep(name, afterCall(circuitOf(name), evidence, probes.includes(name), now), "this pod");
        if (evidence.kind !== "success" || !isShown || now - (successShownAt.get(name) ?? Number.NEGATIVE_INFINITY) < SUCCESS_SHARED_MS)
          continue;
        successShownAt.set(name, now);
        show(name, undefined);
      }
      for (const name of probes) void shared?.probeEnded(name, holder);
    },

    /** The call was not made after all: another task may probe. */
    release: ({ probes, holder }: Pick<Passage, "probes" | "holder">): void => release(probes, holder),

    /** New credentials may end a misconfiguration. */
    close(account = DEFAULT_ACCOUNT): void {
      for (const name of [...circuits.keys()]) if (name.split(" ")[0]!.endsWith(`/${account}`)) keep(name, CLOSED, "new credentials");
    },

    /** Takes over what the other pods know, once. */
    async readShared(): Promise<void> {
      for (const [name, circuit] of (await shared?.read()) ?? []) adopt(name, circuit);
    },
  };
}

/** Those that are not drained, the one that an operator named instead first. */
function withoutDrained(able: readonly SteeredChoice[]): SteeredChoice[] {
  const instead = new Set(able.flatMap(({ state, to }) => (state === "drained" ? [to] : [])));
  return able
    .filter(({ state }) => state !== "drained")
    .toSorted((a, b) => Number(instead.has(b.provider.name)) - Number(instead.has(a.provider.name)));
}

const moved = (open: Opening, ms: number): Opening => ({
  ...open,
  since: open.since + ms,
  until: open.until + ms,
  criticalUntil: open.criticalUntil + ms,
});

/** The circuit's labels for metrics. They leave out country, host and app, of which there may be too many. */
function labelsOf(name: string) {
  const [of = "", part = ""] = name.split(" ");
  const [provider = "", account = ""] = of.split("/");
  return { provider, account, part };
}

/** Reads the other pods' circuits every SHARING_MS until disposed of. */
export function startSharing(circuits: Pick<CircuitBreakers, "readShared">, clock: Clock): AsyncDisposable {
  const stopping = new AbortController();
  const sharing = (async () => {
    while (!stopping.signal.aborted) {
      await circuits.readShared();
      await clock.sleep(SHARING_MS, stopping.signal);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await sharing;
    },
  };
}
