import type { SteeringRecord } from "../steering/steering.ts";

export type { SteeringRecord } from "../steering/steering.ts";

/** What an operator did, or tried to do. */
export interface OperatorAction {
  /** Unique; ids of later actions are larger. */
  id: string;
  /** ms since the epoch, by the store's clock. */
  at: number;
  actor: string;
  /**
   * The command: `pause`, `dead redrive`, `app key revoke`. The console: `cancel`, `redrive` (of a notification), `redrive-group`, `stop-redrive` (its target is the
   * id of the redrive's entry), and what is done to a person.
   */
  action: string;
  /** What it was done to, in the command's own words. */
  target: string;
  /** The operator's words. */
  reason: string;
  /** What came of it, or has so far; absent: it was begun, and nothing more is known. */
  result?: string | undefined;
}

/** What operators have paused, and what they did by any command. Every write is durable when its promise resolves. */
export interface SteeringStore {
  /** All of them: at most STEERING_MAX, which callers of put() see to. */
  list(): Promise<SteeringRecord[]>;
  /**
   * Instead of the target's record, if it has one. Returns false, and stores nothing, where that is another than it should be.
   * @param over `at` of the record that the target should have, undefined: none; absent: any
   */
  put(record: SteeringRecord, over?: { at: number | undefined }): Promise<boolean>;
  /** Removes the target's record if it still is this one, as `at` tells. */
  remove(record: Pick<SteeringRecord, "target" | "at">): Promise<boolean>;
  /** Adds an action; the same id again replaces it, as when its result is known. */
  log(action: OperatorAction): Promise<void>;
  /** Up to `limit` actions with ids below `before` (absent: the newest), the newest first. */
  actions(before: string | undefined, limit: number): Promise<OperatorAction[]>;
  /** Up to `limit` actions of this kind, the newest first. @param target only those that were done to this; absent: to anything */
  actionsOf(action: string, target: string | undefined, limit: number): Promise<OperatorAction[]>;
  findAction(id: string): Promise<OperatorAction | undefined>;
  /** Removes up to `limit` actions older than `before` (ms since the epoch), the oldest first. Returns how many. */
  purgeActions(before: number, limit: number): Promise<number>;
}
