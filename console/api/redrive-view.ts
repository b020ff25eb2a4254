import type { OperatorAction } from "../../core/ports/steering-store.ts";
import type { RedriveReport } from "../../operations/dead-letters/redrive.ts";
import type { GroupRedrive, RedriveProgress } from "../view.ts";
import { redriven } from "./act.ts";

/** Begins the result of an entry whose redrive has not ended. */
export const SO_FAR = "so far: ";
/** Begin the result of one that did not come to its end. FAILED is also what logged() stores. */
export const [STOPPED, FAILED] = ["stopped by ", "failed: "] as const;
/** The target of an entry: channel and reason. */
const GROUP = /^([a-z]+) ([a-z-]+)$/;

/** A redrive that runs in this process. */
export interface Running {
  report: RedriveReport;
  /** 0: not counted yet. */
  total: number;
  isTotalCut: boolean;
  /** Who has asked here that it ends. */
  stopper: string | undefined;
}

/** Whether it has no result yet: it runs in some process, or ended with it. */
export const mayRun = ({ result = SO_FAR }: OperatorAction): boolean => result.startsWith(SO_FAR);

/** @param lost the result, where it could not be stored */
export function redriveView(action: OperatorAction, own: Running | undefined, lost: string | undefined): GroupRedrive {
  const { id, at, actor, reason: why, target } = action;
  const result = lost ?? action.result ?? SO_FAR;
  const [, channel = "", reason = ""] = GROUP.exec(target) ?? [];
  const words = result.startsWith(SO_FAR) ? result.slice(SO_FAR.length) || "begun; nothing more is known" : result;
  return {
    ...{ id, at, actor, why, channel, reason, words, state: stateOf(result, own), progress: own && progressOf(own) },
    isUnlogged: lost !== undefined,
  };
}

function stateOf(result: string, own: Running | undefined): GroupRedrive["state"] {
  if (own !== undefined) return "running";
  if (result.startsWith(SO_FAR)) return "left";
  return result.startsWith(STOPPED) || result.startsWith(FAILED) ? "unfinished" : "ended";
}

function progressOf({ report, total, isTotalCut, stopper }: Running): RedriveProgress {
  const done = Object.values(report).reduce((sum, { count }) => sum + count, 0);
  return { redriven: report.redriven.count, leftOut: done - report.redriven.count, total, isTotalCut, isStopping: stopper !== undefined };
}

export function wordsOf(report: RedriveReport): string {
  const { redriven: count, leftOut } = redriven(report);
  return [`${count} redriven`, ...leftOut].join("; ");
}
