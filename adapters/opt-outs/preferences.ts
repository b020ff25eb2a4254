import type { Redis } from "ioredis";
import type { Clock } from "../../core/ports/clock.ts";
import type { OptOutAnswer, OptOutQuestion } from "../../core/ports/opt-outs.ts";
import type { PreferenceStore, UpdatedPreference } from "../../core/ports/preference-store.ts";
import { endpointSubject, isOptedOut, isSameOptOut, type OptOut, userSubject } from "../../core/preferences/opt-out.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import type { Logger } from "../../runtime/logger.ts";
import { createStateLog } from "../../runtime/state-log.ts";
import { endpointIds } from "../ids.ts";
import { redisFault } from "../redis/connect.ts";
import { createChangeBroadcast } from "./change-broadcast.ts";
import type { OptOutReading } from "./opt-out-sets.ts";
import { createProcessCache, type Fill, type SubjectQuestion } from "./process-cache.ts";
import { type BegunChange, createRedisOptOuts } from "./redis-opt-outs.ts";

/** For a read from the store; callers allow one second in all (CHECK_DEADLINE_MS of the client). */
const FIND_DEADLINE_MS = 800;
/** For a write; after that its outcome is unknown. Shorter than OVERLAP_MS, so that the next sweep sees the change. */
const UPDATE_DEADLINE_MS = 5_000;

/** Undefined: the store could not be read, or did not confirm the write. */
export type StoreAnswer = UpdatedPreference | undefined;

export interface Preferences extends AsyncDisposable {
  /** With version 0 if the subject has no preferences yet. */
  get(app: string, subject: string): Promise<StoreAnswer>;
  /**
   * Resolves once the change is durably stored. Redis and the caches follow at once if they can be reached, else within 5 s. Undefined: it may be
   * stored later all the same, and is obeyed then.
   */
  update(app: string, subject: string, optOut: readonly OptOut[], optIn: readonly OptOut[]): Promise<StoreAnswer>;
  /** Lets this process' cache know nothing of a subject: it was just changed elsewhere. */
  forget(app: string, subject: string): void;
  /** In the order of the questions. Never rejects. */
  check(questions: readonly OptOutQuestion[]): Promise<OptOutAnswer[]>;
}

/**
 * Opt-outs are held in four places:
 * - the store of record (PreferenceStore), the only one that decides;
 * - the opt-out sets in Redis (redis-opt-outs.ts), a copy that answers most checks, used only while it is complete and current;
 * - a cache in each process (process-cache.ts), for less than a second;
 * - and the change broadcast, which holds nothing: it makes every process drop a changed subject from its cache.
 *
 * @param deps.redis undefined: the store answers everything
 */
export function createPreferences(deps: {
  store: PreferenceStore;
  redis: Redis | undefined;
  clock: Clock;
  log: Logger;
  /** How many sets Redis spreads the opt-outs over; the same in every process. */
  buckets?: number;
  /** Whether this process fills the sets that Redis lost. */
  rebuilds?: boolean;
  /** Subjects that its cache holds at most. */
  cachedMax?: number;
}): Preferences {
  const { store, redis, clock, log } = deps;
  const cache = createProcessCache(clock, deps.cachedMax);
  const redisOptOuts = redis && createRedisOptOuts({ store, redis, clock, log, buckets: deps.buckets, rebuilds: deps.rebuilds });
  const broadcast =
    redis &&
    createChangeBroadcast(redis, {
      on: { change: ({ app, subject }) => cache.drop(app, subject), gap: () => cache.dropAll() },
      log,
    });

  const state = createStateLog(log, { lost: "store unavailable", back: "store available again" }, clock.monotonic);
  const withStoreDeadline = async <T>(limitMs: number, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      const answer = await withDeadline(work(), { clock, limitMs });
      state.works();
      return answer;
    } catch (error) {
      state.fails({ err: error });
      return undefined;
    }
  };

  async function get(app: string, subject: string): Promise<StoreAnswer> {
    const found = await withStoreDeadline(FIND_DEADLINE_MS, () => store.find(app, [subject]));
    return found && (found[0] ?? { app, subject, version: 0, optOuts: [], updatedAt: 0 });
  }

  async function update(app: string, subject: string, optOut: readonly OptOut[], optIn: readonly OptOut[]): Promise<StoreAnswer> {
    const begun = await redisOptOuts?.begin(app, subject, optOut);
    // Also propagates a write that completes after the deadline: it may be older than what the next sweep reads again.
    const write = async () => {
      const stored = await store.update(app, subject, optOut, optIn, clock.now());
      // What was not applied is taken out of Redis again.
      return propagate(stored, stored.tooMany ? optOut : optIn, begun);
    };
    const record = await withStoreDeadline(UPDATE_DEADLINE_MS, write);
    // Also if the outcome of the write is unknown.
    cache.drop(app, subject);
    return record;
  }

  async function propagate(
    record: UpdatedPreference,
    removed: readonly OptOut[],
    begun: BegunChange | undefined,
  ): Promise<UpdatedPreference> {
    const { app, subject, version } = record;
    if (begun) {
      const withdrawn = removed.filter((a) => !record.optOuts.some((r) => isSameOptOut(r, a)));
      await begun.stored(record, withdrawn);
      broadcast?.announce({ app, subject, version }).catch((error) => {
        log.debug({ fault: redisFault(error) }, "preference change not announced; caches expire by themselves");
      });
    }
    // Last, so that no fill that read Redis or the store before the change stays in the cache.
    cache.drop(app, subject);
    return record;
  }

  /** Reads these from the store: whether each is opted out; undefined for those that could not be read. */
  async function readStore(qs: readonly SubjectQuestion[], fill: Fill): Promise<(q: SubjectQuestion) => boolean | undefined> {
    const subjects = new Map<string, Set<string>>();
    for (const { app, subject } of qs) subjects.set(app, (subjects.get(app) ?? new Set()).add(subject));
    const found = new Map<string, ReadonlyMap<string, readonly OptOut[]>>();
    await Promise.all(
      [...subjects].map(async ([app, wanted]) => {
        const records = await withStoreDeadline(FIND_DEADLINE_MS, () => store.find(app, [...wanted]));
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
    const asked = questions.map(subjectQuestionsOf);
    const optedOut = new Map<SubjectQuestion, boolean | undefined>();
    let open: SubjectQuestion[] = [];
    for (const q of asked.flat()) {
      const known = cache.isOptedOut(q);
      optedOut.set(q, known);
      if (known === undefined) open.push(q);
    }
    if (open.length > 0) {
      using fill = cache.openFill();
      const readings = new Map<SubjectQuestion, OptOutReading>();
      const read = redisOptOuts && (await redisOptOuts.read(open));
      for (const [i, q] of open.entries()) {
        const reading = read?.[i] ?? "unknown";
        readings.set(q, reading);
        if (reading !== "none") continue;
        optedOut.set(q, false);
        fill.allowed(q);
      }
      open = open.filter((q) => readings.get(q) !== "none");
      if (open.length > 0) {
        // An opt-out found in Redis is confirmed by the store, because a member may outlive its opt-out. It counts as it is only if the
        // store cannot be read.
        const stored = await readStore(open, fill);
        for (const q of open) optedOut.set(q, stored(q) ?? (readings.get(q) === "some" ? true : undefined));
      }
    }
    return asked.map((qs) => answerOf(qs.map((q) => optedOut.get(q))));
  }

  return {
    get,
    update,
    forget: (app, subject) => cache.drop(app, subject),
    check,
    async [Symbol.asyncDispose]() {
      await broadcast?.[Symbol.asyncDispose]();
      await redisOptOuts?.[Symbol.asyncDispose]();
    },
  };
}

/** The user may have opted out, and so may the endpoint, regardless of its user. */
function subjectQuestionsOf({ app, userId, endpoint, channel, category }: OptOutQuestion): SubjectQuestion[] {
  const subjects: string[] = [];
  if (userId !== undefined) subjects.push(userSubject(userId));
  if (endpoint) subjects.push(...endpointIds(endpoint).map(endpointSubject));
  return subjects.map((subject) => ({ app, subject, channel, category }));
}

/** One opt-out is enough to say "opted-out"; "allowed" needs an answer for every subject. */
function answerOf(optedOut: readonly (boolean | undefined)[]): OptOutAnswer {
  if (optedOut.includes(true)) return "opted-out";
  return optedOut.length === 0 || optedOut.includes(undefined) ? "unknown" : "allowed";
}
