import type { Redis } from "ioredis";
import { endpointId } from "../adapters/ids.ts";
import { redisFault } from "../adapters/redis/connect.ts";
import type { OptOutReading } from "../adapters/redis/opt-out-sets.ts";
import { createPreferenceBroadcast } from "../adapters/redis/preference-broadcast.ts";
import type { Channel } from "../core/delivery/channel.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { OptOutAnswer, OptOutQuestion } from "../core/ports/opt-outs.ts";
import type { PreferenceStore } from "../core/ports/preference-store.ts";
import { endpointSubject, isOptedOut, isSameOptOut, type OptOut, type PreferenceRecord, userSubject } from "../core/preferences/opt-out.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import { createOptOutCache, type Fill } from "./opt-out-cache.ts";
import { createOptOutCopy } from "./opt-out-copy.ts";

/** For reading from the store: whoever asks has a second in all. */
const FIND_DEADLINE_MS = 800;
/** For a change; whether one that took longer happened is not known. Shorter than OVERLAP_MS, so that the sweep finds it. */
const UPDATE_DEADLINE_MS = 5_000;

/** Undefined: the store could not be read, or did not confirm. */
export type StoreAnswer = PreferenceRecord | undefined;

export interface Preferences extends AsyncDisposable {
  /** With version 0 when nothing was ever said. */
  get(app: string, subject: string): Promise<StoreAnswer>;
  /** Resolves once the truth is durably stored; Redis and the other processes follow at once where they can, else within 5 s. */
  update(app: string, subject: string, optOut: readonly OptOut[], optIn: readonly OptOut[]): Promise<StoreAnswer>;
  /** In the order of the questions. Never rejects. */
  check(questions: readonly OptOutQuestion[]): Promise<OptOutAnswer[]>;
}

/** What one question asks about one subject. */
interface Ask {
  app: string;
  subject: string;
  channel: Channel;
  category: string;
}

/** @param deps.redis undefined: the store answers everything */
export function createPreferences(deps: {
  store: PreferenceStore;
  redis: Redis | undefined;
  clock: Clock;
  log: Logger;
  /** How many sets Redis spreads the opt-outs over; the same in every process. */
  buckets?: number;
}): Preferences {
  const { store, redis, clock, log } = deps;
  const cache = createOptOutCache(clock);
  const copy = redis && createOptOutCopy({ store, redis, clock, log, buckets: deps.buckets });
  const broadcast =
    redis &&
    createPreferenceBroadcast(redis, {
      heard: { change: ({ app, subject }) => cache.drop(app, subject), gap: () => cache.dropAll() },
      log,
    });

  let storeAnswered = true;
  const ofStore = async <T>(limitMs: number, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      const answer = await withDeadline(work(), { clock, limitMs });
      if (!storeAnswered) log.info("the store answers again");
      storeAnswered = true;
      return answer;
    } catch (error) {
      // Told once: under load thousands ask while it is away.
      if (storeAnswered) log.warn({ err: error }, "the store does not answer");
      storeAnswered = false;
      return undefined;
    }
  };

  async function get(app: string, subject: string): Promise<StoreAnswer> {
    const found = await ofStore(FIND_DEADLINE_MS, () => store.find(app, [subject]));
    return found && (found[0] ?? { app, subject, version: 0, optOuts: [], updatedAt: 0 });
  }

  async function update(app: string, subject: string, optOut: readonly OptOut[], optIn: readonly OptOut[]): Promise<StoreAnswer> {
    // Spread also when it comes later than whoever asked would wait: its time may lie beyond what the sweep looks back to.
    const write = async () => spread(await store.update(app, subject, optOut, optIn, clock.now()), optIn);
    const record = await ofStore(UPDATE_DEADLINE_MS, write);
    // Also when it is not known what happened.
    cache.drop(app, subject);
    return record;
  }

  async function spread(record: PreferenceRecord, optIn: readonly OptOut[]): Promise<PreferenceRecord> {
    const { app, subject, version } = record;
    if (copy && broadcast) {
      const withdrawn = optIn.filter((a) => !record.optOuts.some((r) => isSameOptOut(r, a)));
      await copy.apply({ record, withdrawn });
      broadcast.announce({ app, subject, version }).catch((error) => {
        log.debug({ fault: redisFault(error) }, "change not announced; caches forget it by themselves");
      });
    }
    // Last, so that a fill which read Redis or the store before the change is not kept.
    cache.drop(app, subject);
    return record;
  }

  /** The store's word on what is still open; undefined where it gave none. */
  async function askStore(asks: readonly Ask[], fill: Fill): Promise<(ask: Ask) => boolean | undefined> {
    const subjects = new Map<string, Set<string>>();
    for (const { app, subject } of asks) subjects.set(app, (subjects.get(app) ?? new Set()).add(subject));
    const found = new Map<string, ReadonlyMap<string, readonly OptOut[]>>();
    await Promise.all(
      [...subjects].map(async ([app, wanted]) => {
        const records = await ofStore(FIND_DEADLINE_MS, () => store.find(app, [...wanted]));
        if (!records) return;
        const optOuts = new Map(records.map((r) => [r.subject, r.optOuts]));
        for (const subject of wanted) fill.all(app, subject, optOuts.get(subject) ?? []);
        found.set(app, optOuts);
      }),
    );
    return ({ app, subject, channel, category }) => {
      const ofApp = found.get(app);
      return ofApp && isOptedOut(ofApp.get(subject) ?? [], channel, category);
    };
  }

  async function check(questions: readonly OptOutQuestion[]): Promise<OptOutAnswer[]> {
    const asked = questions.map(asksOf);
    const optedOut = new Map<Ask, boolean | undefined>();
    let open: Ask[] = [];
    for (const ask of asked.flat()) {
      const known = cache.isOptedOut(ask);
      optedOut.set(ask, known);
      if (known === undefined) open.push(ask);
    }
    if (open.length > 0) {
      using fill = cache.openFill();
      const readings = new Map<Ask, OptOutReading>();
      const read = copy && (await copy.read(open));
      for (const [i, ask] of open.entries()) {
        const reading = read?.[i] ?? "unknown";
        readings.set(ask, reading);
        if (reading !== "none") continue;
        optedOut.set(ask, false);
        fill.allowed(ask);
      }
      open = open.filter((ask) => readings.get(ask) !== "none");
      if (open.length > 0) {
        // What Redis says is opted out is asked again: a member may have stayed too long. Only when nobody can say is it believed.
        const storeSays = await askStore(open, fill);
        for (const ask of open) optedOut.set(ask, storeSays(ask) ?? (readings.get(ask) === "some" ? true : undefined));
      }
    }
    return asked.map((asks) => answerOf(asks.map((ask) => optedOut.get(ask))));
  }

  return {
    get,
    update,
    check,
    async [Symbol.asyncDispose]() {
      await broadcast?.[Symbol.asyncDispose]();
      await copy?.[Symbol.asyncDispose]();
    },
  };
}

/** The user may have opted out, and so may whoever uses the endpoint. */
function asksOf({ app, userId, endpoint, channel, category }: OptOutQuestion): Ask[] {
  const subjects: string[] = [];
  if (userId !== undefined) subjects.push(userSubject(userId));
  if (endpoint) subjects.push(endpointSubject(endpointId(endpoint)));
  return subjects.map((subject) => ({ app, subject, channel, category }));
}

/** One opt-out is enough; without one, everything must be known. */
function answerOf(optedOut: readonly (boolean | undefined)[]): OptOutAnswer {
  if (optedOut.includes(true)) return "opted-out";
  return optedOut.length === 0 || optedOut.includes(undefined) ? "unknown" : "allowed";
}
