import { hideEndpoints } from "../../core/delivery/hide-endpoints.ts";
import type { SteeringRecord } from "../../core/ports/steering-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { isOver, STEERING_MAX } from "../../core/steering/steering.ts";
import { type Target, targetKey } from "../../core/steering/target.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

type SteeredStore = Pick<Store, "steering" | "time">;

/** Orders that are named of those that a new one replaces: as many as may stand would fill pages, also of the log of actions. */
const NAMED_MAX = 3;

/** What is paused or drained now. */
export async function standingOrders({ steering, time }: SteeredStore): Promise<SteeringRecord[]> {
  const [records, now] = await Promise.all([steering.list(), time()]);
  return records.filter((record) => !isOver(record, now));
}

export const isFor =
  (target: Target) =>
  (record: Pick<SteeringRecord, "target">): boolean =>
    targetKey(record.target) === targetKey(target);

/** Stores an order. @param known what the operator was told of; where another order for the target has come since, nothing is stored */
export async function put(store: SteeredStore, record: SteeringRecord, known: readonly SteeringRecord[]): Promise<SteeringRecord> {
  const all = await store.steering.list();
  const before = all.find(isFor(record.target));
  if (before !== undefined && !isOver(before, record.at) && !known.some(({ target, at }) => isFor(target)(before) && at === before.at))
    throw new OperatorError(`nothing was changed, because of an order that came meanwhile: ${orderWords(before, "is")}`);
  if (all.length - (before === undefined ? 0 : 1) >= STEERING_MAX)
    throw new OperatorError(`${STEERING_MAX} targets are paused or drained; resume one of them first`);
  await replace(store, record, before);
  return record;
}

/** Stores an order where the target still has the one that was read, or none. */
export async function replace({ steering }: SteeredStore, record: SteeringRecord, before: SteeringRecord | undefined): Promise<void> {
  if (!(await steering.put(record, { at: before?.at })))
    throw new OperatorError(`nothing was changed, because what was ordered for ${targetKey(record.target)} changed meanwhile; try again`);
}

/** "account:A is drained to B, ordered by ada at … (reason: …)"; without what may be somebody's address. */
export function orderWords({ target, state, to, until, actor, at, reason }: SteeringRecord, tense: "is" | "was"): string {
  const what = state === "drained" ? `drained to ${to ?? "another provider"}` : "paused";
  const end = until === undefined ? "" : ` until ${moment(until)}`;
  return `${targetKey(target)} ${tense} ${what}${end}, ordered by ${actor} at ${moment(at)} (reason: ${hideEndpoints(reason)})`;
}

/** The orders that one for `target` replaces, or outweighs while it lasts, in a sentence each. @param tense "was": that is done */
export function replacedWords(target: Target, records: readonly SteeringRecord[], tense: "is" | "was"): string[] {
  const words = records
    .slice(0, NAMED_MAX)
    .map((record) => (isFor(target)(record) ? orderWords(record, tense) : `${orderWords(record, "is")}, which a pause outweighs`));
  return records.length > NAMED_MAX ? [...words, `and ${records.length - NAMED_MAX} more`] : words;
}

export const moment = (at: number) => new Date(at).toISOString();
