import type { Redis } from "ioredis";
import type { AppStore } from "../../core/ports/app-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { OptOutAnswer, OptOutQuestion } from "../../core/ports/opt-outs.ts";
import type { PreferenceStore, UpdatedPreference } from "../../core/ports/preference-store.ts";
import type { ProfileStore } from "../../core/ports/profile-store.ts";
import { type ChangeEntry, type PreferenceChange, stateOf } from "../../core/preferences/change.ts";
import {
  EVERYTHING,
  endpointSubject,
  isSameOptOut,
  noPreferences,
  type OptOut,
  type PreferenceRecord,
  userSubject,
} from "../../core/preferences/opt-out.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import type { Logger } from "../../runtime/logger.ts";
import { createStateLog } from "../../runtime/state-log.ts";
import { endpointIds } from "../ids.ts";
import { redisFault } from "../redis/connect.ts";
import { answerOf } from "./answer-of.ts";
import { withAuditLines } from "./audit-line.ts";
import { type CategoryDefaults, createCategoryDefaults } from "./category-defaults.ts";
import { createChangeBroadcast } from "./change-broadcast.ts";
import { createProcessCache, type Fill, type SubjectQuestion, type SubjectReading } from "./process-cache.ts";
import { type BegunChange, createRedisOptOuts } from "./redis-opt-outs.ts";
import { refusalsOf } from "./set-members.ts";

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
  update(app: string, subject: string, change: PreferenceChange): Promise<StoreAnswer>;
  /** Changes before a version, the latest first. Undefined: the store could not be read. */
  history(app: string, subject: string, beforeVersion: number, limit: number): Promise<ChangeEntry[] | undefined>;
  /** What holds for who chose nothing about a category. */
  defaultsOf: CategoryDefaults["of"];
  /** Lets this process' cache know nothing of a subject: it was just changed elsewhere. */
  forget(app: string, subject: string): void;
  /** In the order of the questions. Never rejects. */
  check(questions: readonly OptOutQuestion[]): Promise<OptOutAnswer[]>;
}

/**
 * Preferences are held in four places:
 * - the store of record (PreferenceStore), the only one that decides;
 * - the opt-out sets in Redis (redis-opt-outs.ts), a copy that answers most checks, used only while it is complete and current;
 * - a cache in each process (process-cache.ts), for less than a second;
 * - and the change broadcast, which holds nothing: it makes every process drop a changed subject from its cache.
 *
 * @param deps.redis undefined: the store answers everything
 */
export function createPreferences(deps: {
  store: PreferenceStore;
  /** For the defaults of categories. */
  apps: Pick<AppStore, "find">;
  profiles: Pick<ProfileStore, "find">;
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
  const audited = withAuditLines(store, log);
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

  const categoryDefaults = createCategoryDefaults({
    ...{ apps: deps.apps, profiles: deps.profiles, clock },
    read: (work) => withStoreDeadline(FIND_DEADLINE_MS, work),
  });

  async function get(app: string, subject: string): Promise<StoreAnswer> {
    const found = await withStoreDeadline(FIND_DEADLINE_MS, () => store.find(app, [subject]));
    return found && (found[0] ?? noPreferences(app, subject));
  }

  async function update(app: string, subject: string, change: PreferenceChange): Promise<StoreAnswer> {
    const { optOut = [], consent = [], forget = [], block = [], lift = [] } = change;
    const added = block.length > 0 ? [...optOut, EVERYTHING] : optOut;
    const removed = [...forget, ...consent, ...(lift.length > 0 ? [EVERYTHING] : [])];
    const ending = consent.filter(({ until }) => until !== undefined);
    const begun = await redisOptOuts?.begin(app, subject, { optOuts: added, consents: [...optOut, ...forget, ...ending] });
    // Also propagates a write that completes after the deadline: it may be older than what the next sweep reads again.
    const write = async () => {
      const stored = await audited.update(app, subject, change, clock.now());
      // What was not applied is taken out of Redis again.
      return propagate(stored, stored.tooMany || stored.outdated ? added : removed, begun);
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
      const refusals = refusalsOf(record);
      const withdrawn = removed.filter((a) => !refusals.some((r) => isSameOptOut(r, a)));
      await begun.stored(record, withdrawn);
      broadcast?.announce({ app, subject, version }).catch((error) => {
        log.debug({ fault: redisFault(error) }, "preference change not announced; caches expire by themselves");
      });
    }
    // Last, so that no fill that read Redis or the store before the change stays in the cache.
    cache.drop(app, subject);
    return record;
  }

  /** Reads these from the store; undefined for those that could not be read. */
  async function readStore(qs: readonly SubjectQuestion[], fill: Fill): Promise<(q: SubjectQuestion) => PreferenceRecord | undefined> {
    const subjects = new Map<string, Set<string>>();
    for (const { app, subject } of qs) subjects.set(app, (subjects.get(app) ?? new Set()).add(subject));
    const found = new Map<string, ReadonlyMap<string, PreferenceRecord>>();
    await Promise.all(
      [...subjects].map(async ([app, wanted]) => {
        const records = await withStoreDeadline(FIND_DEADLINE_MS, () => store.find(app, [...wanted]));
        if (!records) return;
        const bySubject = new Map(records.map((record) => [record.subject, record]));
        for (const subject of wanted) fill.all(app, subject, stateOf(bySubject.get(subject) ?? noPreferences(app, subject)));
        found.set(app, bySubject);
      }),
    );
    return ({ app, subject }) => {
      const ofApp = found.get(app);
      return ofApp && (ofApp.get(subject) ?? noPreferences(app, subject));
    };
  }

  async function check(questions: readonly OptOutQuestion[]): Promise<OptOutAnswer[]> {
    const defaults = await categoryDefaults.of(questions);
    const asked = questions.map((question, i) => subjectQuestionsOf(question, defaults[i] === "opted-out"));
    const known = new Map<SubjectQuestion, SubjectReading>();
    const refusedInRedis = new Set<SubjectQuestion>();
    const open = asked.flat().filter((q) => {
      const found = cache.find(q);
      if (found) known.set(q, found);
      return !found;
    });
    using fill = cache.openFill();
    if (open.length > 0 && redisOptOuts) {
      const readings = await redisOptOuts.read(open);
      for (const [i, q] of open.entries()) {
        const reading = readings[i];
        if (reading === "some") refusedInRedis.add(q);
        if (reading !== "none" && reading !== "consented") continue;
        known.set(q, reading);
        fill.some(q, reading);
      }
    }
    const answer = (question: OptOutQuestion, i: number) => {
      const qs = asked[i]!;
      const readings = qs.map((q) => known.get(q));
      return answerOf({ question, default: defaults[i], readings, isSuspect: qs.some((q) => refusedInRedis.has(q)) }, clock.now());
    };
    // A refusal found in Redis is confirmed by the store, because a member may outlive it, and a narrower consent may count more. So is that nobody
    // consented, because a consent may be missing there.
    const toRead = questions.flatMap((question, i) => {
      const qs = asked[i]!;
      const open = qs.filter((q) => !known.has(q));
      if (defaults[i] !== "opted-out" || (open.length === 0 && answer(question, i) !== "unknown")) return open;
      return [...open, ...qs.filter((q) => known.get(q) === "none")];
    });
    if (toRead.length > 0) {
      const since = { monotonic: clock.monotonic(), now: clock.now() };
      const stored = await readStore(toRead, fill);
      for (const q of toRead) {
        const record = stored(q);
        if (!record) continue;
        known.set(q, stateOf(record));
        if (refusedInRedis.has(q)) void redisOptOuts?.dropEnded(record, since);
      }
    }
    return questions.map(answer);
  }

  return {
    get,
    update,
    history: (app, subject, beforeVersion, limit) =>
      withStoreDeadline(FIND_DEADLINE_MS, () => store.history(app, subject, beforeVersion, limit)),
    defaultsOf: categoryDefaults.of,
    forget: (app, subject) => cache.drop(app, subject),
    check,
    async [Symbol.asyncDispose]() {
      await broadcast?.[Symbol.asyncDispose]();
      await redisOptOuts?.[Symbol.asyncDispose]();
    },
  };
}

/** The user may have chosen, and so may the endpoint, regardless of its user. */
function subjectQuestionsOf({ app, userId, endpoint, channel, category }: OptOutQuestion, consents: boolean): SubjectQuestion[] {
  const subjects: string[] = [];
  if (userId !== undefined) subjects.push(userSubject(userId));
  if (endpoint) subjects.push(...endpointIds(endpoint).map(endpointSubject));
  return subjects.map((subject) => ({ app, subject, channel, category, consents }));
}
