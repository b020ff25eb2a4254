import type { Clock } from "../../core/ports/clock.ts";
import type { OperatorAction } from "../../core/ports/steering-store.ts";
import { type DeadLetterFilter, deadLetters } from "../../operations/dead-letters/dead-letters.ts";
import { beginRedrive, type RedriveReport } from "../../operations/dead-letters/redrive.ts";
import { logged, type Order } from "../../operations/steering/audit-log.ts";
import type { GroupRedrive, GroupRedrives, RedriveProgress } from "../view.ts";
import { type ActParts, redriven } from "./act.ts";
import { RequestFault } from "./route.ts";

/** Redriven deliveries that become due in a second: what failed together must not come back at once. */
export const RATE = 50;
/** Deliveries of a step: a second of the rate, so that a stop is heeded within one. */
const STEP = RATE;
/** Redrives of one process at once; each has its own rate. */
const RUNNING_MAX = 2;
/** Notifications that are counted to say how many deliveries a group has: a few seconds of the store's work. */
const COUNT_MAX = 100_000;
/** Actions of the log that are read: for the redrives of a day, and for orders to stop one. */
const ACTIONS_READ = 200;
/** Redrives that are shown. */
const SHOWN = 10;

const [REDRIVE, STOP] = ["redrive", "stop-redrive"] as const;
/** Begins the result of an entry whose redrive has not ended. */
const SO_FAR = "so far: ";
/** Begin the result of one that did not come to its end. FAILED is also what logged() stores. */
const [STOPPED, FAILED] = ["stopped by ", "failed: "] as const;
const GROUP = /^([a-z]+) ([a-z-]+)$/;

/** A group, as the filter that selects it. */
export type Group = DeadLetterFilter & Required<Pick<DeadLetterFilter, "channel" | "reason">>;

export interface RedrivesParts extends ActParts {
  clock: Pick<Clock, "sleep">;
  /** Aborts when the process ends: redrives end after their step, and are left for somebody to go on with. */
  signal: AbortSignal;
}

interface Running {
  target: string;
  report: RedriveReport;
  total: number;
  isTotalCut: boolean;
  isStopping: boolean;
}

/**
 * Redrives of groups in the background of this process, each under one entry of the log of actions, which says after every step what was done. Where the
 * process ends before, the entry keeps that. The same group may be redriven by several processes: whichever changes a delivery first has redriven it.
 */
export interface Redrives {
  /** Resolves with the entry's id once it is stored. @param groupAt the group, given the moment of the entry */
  begin(order: Order & { target: string }, groupAt: (at: number) => Group, uncertain: boolean): Promise<string>;
  list(): Promise<GroupRedrives>;
  /** Whichever process runs it ends it after its step. */
  stop(id: string, actor: string): Promise<void>;
  /** Resolves once none runs. */
  settled(): Promise<void>;
}

export function createRedrives({ store, recorder, clock, signal }: RedrivesParts): Redrives {
  const running = new Map<string, Running>();
  /** Those that wait for their entry, too. */
  const begun = new Set<string>();
  const working = new Set<Promise<void>>();

  async function run(
    id: string,
    target: string,
    group: Group,
    uncertain: boolean,
    soFar: (words: string) => Promise<void>,
  ): Promise<string> {
    const steps = beginRedrive(store, { kind: "filter", filter: group }, { terms: { uncertain }, rate: RATE, recorder, dryRun: false });
    const own: Running = { target, report: steps.report, total: 0, isTotalCut: false, isStopping: false };
    running.set(id, own);
    const words = () => wordsOf(steps.report);
    try {
      Object.assign(own, await countGroup(store, group));
      for (;;) {
        const stopper = await stopperOf(id);
        if (stopper !== undefined) return `${STOPPED}${stopper}: ${words()}`;
        const before = steps.report.redriven.count;
        const isMore = await steps.step(STEP, await store.time());
        if (!isMore) return words();
        await soFar(`${SO_FAR}${words()}`);
        await clock.sleep(((steps.report.redriven.count - before) * 1_000) / RATE, signal);
        if (signal.aborted) return `${SO_FAR}${words()}`;
      }
    } catch (error) {
      return `${FAILED}${error instanceof Error ? error.name : "error"}; before that: ${words()}`;
    } finally {
      running.delete(id);
    }
  }

  async function stopperOf(id: string): Promise<string | undefined> {
    const actions = await store.steering.actions(undefined, ACTIONS_READ);
    return actions.find(({ action, target }) => action === STOP && target === id)?.actor;
  }

  async function find(id: string): Promise<OperatorAction | undefined> {
    const actions = await store.steering.actions(undefined, ACTIONS_READ);
    return actions.find((one) => one.id === id && one.action === REDRIVE);
  }

  return {
    async begin(order, groupAt, uncertain) {
      const { target } = order;
      if (begun.has(target)) throw new RequestFault("this group is being redriven already", 409);
      if (begun.size >= RUNNING_MAX) throw new RequestFault(`${RUNNING_MAX} groups are being redriven: wait for one, or stop it`, 409);
      begun.add(target);
      const entry = Promise.withResolvers<string>();
      const work = logged(store, { ...order, action: REDRIVE }, async (at, { id, soFar }) => {
        entry.resolve(id);
        return { result: undefined, words: await run(id, target, groupAt(at), uncertain, soFar) };
      })
        // Before the entry is stored, who ordered it is told. Afterwards the entry keeps what it has.
        .catch((error: unknown) => entry.reject(error))
        .finally(() => {
          begun.delete(target);
          working.delete(work);
        });
      working.add(work);
      return entry.promise;
    },

    async list() {
      const [actions, now] = [await store.steering.actions(undefined, ACTIONS_READ), await store.time()];
      const redrives = actions.filter(({ action, target }) => action === REDRIVE && GROUP.test(target)).slice(0, SHOWN);
      return { redrives: redrives.map((action) => viewOf(action, running.get(action.id))), perSecond: RATE, now };
    },

    async stop(id, actor) {
      const action = await find(id);
      if (action === undefined || !mayRun(action)) throw new RequestFault("no redrive of this id runs", 404);
      await logged(store, { actor, reason: `redrive of ${action.target}`, action: STOP, target: id }, async () => ({
        ...{ result: undefined, words: "asked to end after its step" },
      }));
      const own = running.get(id);
      if (own !== undefined) own.isStopping = true;
    },

    settled: async () => void (await Promise.all(working)),
  };
}

const mayRun = ({ result = SO_FAR }: OperatorAction) => result.startsWith(SO_FAR);

function viewOf({ id, at, actor, reason: why, target, result = SO_FAR }: OperatorAction, own: Running | undefined): GroupRedrive {
  const [, channel = "", reason = ""] = GROUP.exec(target) ?? [];
  const words = result.startsWith(SO_FAR) ? result.slice(SO_FAR.length) || "begun; nothing more is known" : result;
  return { id, at, actor, why, channel, reason, state: stateOf(result, own), words, progress: own && progressOf(own) };
}

function stateOf(result: string, own: Running | undefined): GroupRedrive["state"] {
  if (own !== undefined) return "running";
  if (result.startsWith(SO_FAR)) return "left";
  return result.startsWith(STOPPED) || result.startsWith(FAILED) ? "unfinished" : "ended";
}

function progressOf({ report, total, isTotalCut, isStopping }: Running): RedriveProgress {
  const done = Object.values(report).reduce((sum, { count }) => sum + count, 0);
  return { redriven: report.redriven.count, leftOut: done - report.redriven.count, total, isTotalCut, isStopping };
}

function wordsOf(report: RedriveReport): string {
  const { redriven: count, leftOut } = redriven(report);
  return [`${count} redriven`, ...leftOut].join("; ");
}

async function countGroup({ notifications }: ActParts["store"], group: Group): Promise<Pick<Running, "total" | "isTotalCut">> {
  let [read, total] = [0, 0];
  for await (const n of notifications.failed(group.from, group.to)) {
    if (++read > COUNT_MAX) return { total, isTotalCut: true };
    total += deadLetters(n, group).length;
  }
  return { total, isTotalCut: false };
}
