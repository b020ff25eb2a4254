import type { Collection } from "mongodb";
import type { OperatorAction, SteeringRecord, SteeringStore } from "../../core/ports/steering-store.ts";
import { targetKey } from "../../core/steering/target.ts";
import { asStoreError } from "./errors.ts";
import { deleteFirst } from "./writes.ts";

export interface SteeringDocument extends SteeringRecord {
  /** The target's key. */
  _id: string;
}

export interface OperatorActionDocument extends Omit<OperatorAction, "id"> {
  _id: string;
}

const decode = ({ _id, ...action }: OperatorActionDocument): OperatorAction => ({ id: _id, ...action });

export function createSteeringStore(steering: Collection<SteeringDocument>, actions: Collection<OperatorActionDocument>): SteeringStore {
  return {
    list: () =>
      asStoreError("read what is paused", async () =>
        (await steering.find({}, { sort: { _id: 1 } }).toArray()).map(({ _id, ...record }) => record),
      ),
    put: (record, over) =>
      asStoreError("pause or resume", async () => {
        const _id = targetKey(record.target);
        if (over?.at !== undefined) return (await steering.replaceOne({ _id, at: over.at }, record)).matchedCount === 1;
        if (over === undefined) await steering.replaceOne({ _id }, record, { upsert: true });
        else return (await steering.updateOne({ _id }, { $setOnInsert: record }, { upsert: true })).upsertedCount === 1;
        return true;
      }),
    remove: ({ target, at }) =>
      asStoreError("end a pause", async () => (await steering.deleteOne({ _id: targetKey(target), at })).deletedCount === 1),
    log: ({ id, ...action }) =>
      asStoreError("log an operator's action", async () => {
        await actions.replaceOne({ _id: id }, action, { upsert: true });
      }),
    actions: (before, limit) =>
      asStoreError("list operators' actions", async () => {
        // A limit of 0 would be none.
        if (limit <= 0) return [];
        const older = before === undefined ? {} : { _id: { $lt: before } };
        return (await actions.find(older, { sort: { _id: -1 }, limit }).toArray()).map(decode);
      }),
    actionsOf: (action, target, limit) =>
      asStoreError("list operators' actions of a kind", async () => {
        if (limit <= 0) return [];
        const of = { action, ...(target !== undefined && { target }) };
        return (await actions.find(of, { sort: { _id: -1 }, limit }).toArray()).map(decode);
      }),
    findAction: (id) =>
      asStoreError("find an operator's action", async () => {
        const found = await actions.findOne({ _id: id });
        return found === null ? undefined : decode(found);
      }),
    purgeActions: (before, limit) =>
      asStoreError("purge operators' actions", () => deleteFirst(actions, { at: { $lt: before } }, { at: 1, _id: 1 }, limit)),
  };
}
