import { connectNats, natsVariables } from "../../adapters/nats/connect.ts";
import { readStreamShape } from "../../adapters/nats/settings-snapshot.ts";
import { ensureStreams, streamVariables } from "../../adapters/nats/streams.ts";
import { type Shape, type ShapeChange, shapeChanges } from "../../adapters/schema-snapshot.ts";
import { readStoreShape } from "../../adapters/store/open-store.ts";
import { openConfiguredStore, storeUrlOf, storeVariables } from "../../adapters/store/store-config.ts";
import type { Values } from "../../runtime/config.ts";
import type { Logger } from "../../runtime/logger.ts";

/** The variables that say where the store and NATS are, and how the streams are set. */
export const provisionVariables = { ...storeVariables, ...natsVariables, ...streamVariables };
export type ProvisionConfig = Values<typeof provisionVariables>;

/** What one server has now, or why it cannot be used: an OperatorError says what to do. */
export type Provisioned = { part: "store" | "streams" } & ({ kind: "ready"; changes: ShapeChange[] } | { kind: "failed"; error: unknown });

/**
 * Creates what is missing in the store and in NATS, and checks what is there. Yields once for each of the two: a fault of one says nothing
 * about the other.
 */
export async function* provision(config: ProvisionConfig, log: Logger): AsyncGenerator<Provisioned> {
  const parts = [
    ["store", provisionStore],
    ["streams", provisionStreams],
  ] as const;
  for (const [part, work] of parts) {
    let result: Provisioned;
    try {
      result = { part, kind: "ready", changes: await work(config, log) };
    } catch (error) {
      result = { part, kind: "failed", error };
    }
    yield result;
  }
}

/** The store's tables or collections, and its indexes. Rejects with an OperatorError. */
async function provisionStore(config: ProvisionConfig, log: Logger): Promise<ShapeChange[]> {
  const read = () => readStoreShape(storeUrlOf(config));
  const before: Shape | { fault: unknown } = await read().catch((fault: unknown) => ({ fault }));
  // Opening the store creates what is missing. If the store is unavailable, this error is the one that says what to do.
  await (await openConfiguredStore(config, log))[Symbol.asyncDispose]();
  if ("fault" in before) throw before.fault;
  return shapeChanges(before, await read());
}

/** Every channel's stream and consumers. Rejects with an OperatorError. */
async function provisionStreams(config: ProvisionConfig, log: Logger): Promise<ShapeChange[]> {
  await using nats = await connectNats(config, log);
  const before = await readStreamShape(nats);
  await ensureStreams(nats, config);
  return shapeChanges(before, await readStreamShape(nats));
}
