import type { Clock } from "../../core/ports/clock.ts";
import type { OperatorAction } from "../../core/ports/steering-store.ts";
import { type DeadLetterFilter, deadLetters } from "../../operations/dead-letters/dead-letters.ts";
import { beginRedrive } from "../../operations/dead-letters/redrive.ts";
import { logged, type Order } from "../../operations/steering/audit-log.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { GroupRedrives } from "../view.ts";
import type { ActParts } from "./act.ts";
import { FAILED, mayRun, type Running, redriveView, SO_FAR, STOPPED, wordsOf } from "./redrive-view.ts";
import { RequestFault } from "./route.ts";

/** Redriven deliveries that become due in a second: what failed together must not come back at once. */
export const RATE = 50;
/** Deliveries of a step: a second of the rate, so that a stop is heeded within one. */
const STEP = RATE;
/** Redrives of one process at once; each has its own rate. */
const RUNNING_MAX = 2;
/** Notifications that are counted to say how many deliveries a group has: a few seconds of the store's work. */
const COUNT_MAX = 100_000;
/** Notifications that are counted between two checks for an order to stop: a fraction of a second. */
const COUNT_STEP = 1_000;
/** Redrives that are shown, and how many of the last ones are read to find others without a result. */
const [SHOWN, READ] = [10, 200];
/** Results that could not be stored and are shown until the process ends; of more, the last ones. */
const LOST_MAX = 20;

const [REDRIVE, STOP] = ["redrive-group", "stop-redrive"] as const;

/** A group, as the filter that selects it. */
export type Group = DeadLetterFilter & Required<Pick<DeadLetterFilter, "channel" | "reason">>;

export interface RedrivesParts extends ActParts {
  clock: Pick<Clock, "sleep">;
  log: Logger;
  /** Aborts when the process ends: redrives end after their step, and are left for somebody to go on with. */
  signal: AbortSignal;
}

/**
 * Redrives of groups in the background of this process, each under one entry of the log of actions, which says after every step what was done. Where the
 * process ends before, the entry keeps that. The same group may be redriven by several processes: whichever changes a delivery first has redriven it.
 */
export interface Redrives {
  /** Resolves with the entry's id once it is stored. @param groupAt the group, given the moment of the entry */
  begin(order: Order & { target: string }, groupAt: (at: number) => Group, uncertain: boolean): Promise<string>;
  list(): Promise<GroupRedrives>;
  /** Whichever process runs it ends it after its step, or while it counts. */
  stop(id: string, actor: string): Promise<void>;
  /** Resolves once none runs. */
  settled(): Promise<void>;
}

export function createRedrives({ store, recorder, clock, log, signal }: RedrivesParts): Redrives {
  const { steering } = store;
  const running = new Map<string, Running>();
  /** Those that wait for their entry, too. */
  const begun = new Set<string>();
  const working = new Set<Promise<void>>();
  /** By the id of the entry. */
  const lost = new Map<string, string>();

  async function run(id: string, group: Group, uncertain: boolean, soFar: (words: string) => Promise<void>): Promise<string> {
    const steps = beginRedrive(store, { kind: "filter", filter: group }, { terms: { uncertain }, rate: RATE, recorder, dryRun: false });
    const own: Running = { report: steps.report, total: 0, isTotalCut: false, stopper: undefined };
    running.set(id, own);
    const words = () => wordsOf(steps.report);
    /** How it ends where it is to end now. */
    const endNow = async (): Promise<string | undefined> => {
      const stopper = own.stopper ?? (await steering.actionsOf(STOP, id, 1))[0]?.actor;
      return stopper !== undefined ? `${STOPPED}${stopper}: ${words()}` : signal.aborted ? `${SO_FAR}${words()}` : undefined;
    };
    try {
      const counted = await countGroup(group, own, endNow);
      if (counted !== undefined) return counted;
      for (;;) {
        const end = await endNow();
        if (end !== undefined) return end;
        const before = steps.report.redriven.count;
        const isMore = await steps.step(STEP, await store.time());
        if (!isMore) return words();
        await soFar(`${SO_FAR}${words()}`);
        await clock.sleep(((steps.report.redriven.count - before) * 1_000) / RATE, signal);
      }
    } catch (error) {
      return `${FAILED}${error instanceof Error ? error.name : "error"}; before that: ${words()}`;
    } finally {
      running.delete(id);
    }
  }

  /** Says in `own` how many deliveries it has. @returns how it ends, where it is to end before they are counted */
  async function countGroup(group: Group, own: Running, endNow: () => Promise<string | undefined>): Promise<string | undefined> {
    let [read, total] = [0, 0];
    for await (const n of store.notifications.failed(group.from, group.to)) {
      if (read >= COUNT_MAX) break;
      const end = own.stopper !== undefined || read % COUNT_STEP === 0 ? await endNow() : undefined;
      if (end !== undefined) return end;
      read += 1;
      total += deadLetters(n, group).length;
    }
    Object.assign(own, { total, isTotalCut: read >= COUNT_MAX });
    return undefined;
  }

  /** The result is kept in this process alone, and the view says so. */
  function keepLost(id: string, words: string, error: unknown): void {
    log.error({ err: error, action: id, result: words }, "the result of a redrive could not be stored in the log of actions");
    lost.set(id, words);
    const [oldest] = lost.keys();
    if (lost.size > LOST_MAX && oldest !== undefined) lost.delete(oldest);
  }

  return {
    async begin(order, groupAt, uncertain) {
      const { target } = order;
      if (begun.has(target)) throw new RequestFault("this group is being redriven already", 409);
      if (begun.size >= RUNNING_MAX) throw new RequestFault(`${RUNNING_MAX} groups are being redriven: wait for one, or stop it`, 409);
      begun.add(target);
      const entry = Promise.withResolvers<string>();
      let done: { id: string; words: string } | undefined;
      const work = logged(store, { ...order, action: REDRIVE }, async (at, { id, soFar }) => {
        entry.resolve(id);
        done = { id, words: await run(id, groupAt(at), uncertain, soFar) };
        return { result: undefined, words: done.words };
      })
        // Before the entry is stored, who ordered it is told.
        .catch((error: unknown) => (done === undefined ? entry.reject(error) : keepLost(done.id, done.words, error)))
        .finally(() => {
          begun.delete(target);
          working.delete(work);
        });
      working.add(work);
      return entry.promise;
    },

    async list() {
      const [latest, now] = [await steering.actionsOf(REDRIVE, undefined, READ), await store.time()];
      const others = [...running.keys()].filter((id) => latest.every((one) => one.id !== id));
      const actions = [...latest, ...(await Promise.all(others.map((id) => steering.findAction(id)))).filter((one) => one !== undefined)];
      const isOpen = (action: OperatorAction) => running.has(action.id) || mayRun(action);
      const shown = actions.filter((action, i) => i < SHOWN || isOpen(action));
      return {
        redrives: shown.map((action) => redriveView(action, running.get(action.id), lost.get(action.id))),
        ...{ isCut: actions.length > shown.length || latest.length === READ, perSecond: RATE, now },
      };
    },

    async stop(id, actor) {
      const action = await steering.findAction(id);
      if (action?.action !== REDRIVE || !mayRun(action) || lost.has(id)) throw new RequestFault("no redrive of this id runs", 404);
      await logged(store, { actor, reason: `redrive of ${action.target}`, action: STOP, target: id }, async () => ({
        ...{ result: undefined, words: "asked to end after its step" },
      }));
      const own = running.get(id);
      if (own !== undefined) own.stopper = actor;
    },

    settled: async () => void (await Promise.all(working)),
  };
}
