import type { Binary, Collection } from "mongodb";
import type { PoisonRecord, PoisonStore } from "../../core/ports/poison-store.ts";
import { asStoreError } from "./errors.ts";
import { deleteFirst, insertNew } from "./writes.ts";

export interface PoisonDocument extends Omit<PoisonRecord, "id" | "bytes"> {
  _id: string;
  /** The driver writes either as binary data and reads the latter. */
  bytes: Uint8Array | Binary;
}

const decode = ({ _id, bytes, ...rest }: PoisonDocument): PoisonRecord => ({
  id: _id,
  ...rest,
  // A copy, because the driver's may be a Buffer, and a part of all it read.
  bytes: new Uint8Array(bytes instanceof Uint8Array ? bytes : bytes.value()),
});

export function createPoisonStore(collection: Collection<PoisonDocument>): PoisonStore {
  return {
    keep: ({ id, ...rest }) =>
      asStoreError("keep poison", async () => {
        await insertNew(collection, [{ _id: id, ...rest }]);
      }),

    list: (limit) =>
      asStoreError("list poison", async () => {
        // A limit of 0 would be none.
        if (limit <= 0) return [];
        return (await collection.find({}, { sort: { keptAt: -1, _id: -1 }, limit }).toArray()).map(decode);
      }),

    purge: (before, limit) =>
      asStoreError("purge poison", () => deleteFirst(collection, { keptAt: { $lt: before } }, { keptAt: 1, _id: 1 }, limit)),
  };
}
