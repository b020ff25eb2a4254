import { connectNats, natsVariables } from "../adapters/nats/connect.ts";
import { readStreamShape } from "../adapters/nats/settings-snapshot.ts";
import { ensureStreams, streamVariables } from "../adapters/nats/streams.ts";
import { type Shape, type ShapeChange, shapeChanges } from "../adapters/schema-snapshot.ts";
import { readStoreShape } from "../adapters/store/open-store.ts";
import { openConfiguredStore, storeUrlOf, storeVariables } from "../adapters/store/store-config.ts";
import { type Environment, readConfig } from "../runtime/config.ts";
import { closeLogger, createLogger, type Logger } from "../runtime/logger.ts";
import { startFault } from "../runtime/run.ts";

const provisionVariables = { ...storeVariables, ...natsVariables, ...streamVariables };
type ProvisionConfig = ReturnType<typeof readConfig<typeof provisionVariables>>;

/** Prints a line for each thing that is there now; resolves to the exit status. */
export async function runProvision(env: Environment): Promise<number> {
  const config = readConfig(provisionVariables, env);
  const log = createLogger("provision", "warn");
  let status = 0;
  for (const provision of [provisionStore, provisionStreams])
    try {
      process.stdout.write(`${(await provision(config, log)).map(changeText).join("\n")}\n`);
    } catch (error) {
      // What is wrong with one says nothing of the other: an operator reads both at once.
      process.stderr.write(`${startFault(error)}\n`);
      status = 1;
    }
  await closeLogger(log);
  return status;
}

/** The store's tables or collections, and its indexes. Rejects with an OperatorError. */
async function provisionStore(config: ProvisionConfig, log: Logger): Promise<ShapeChange[]> {
  const read = () => readStoreShape(storeUrlOf(config));
  const before: Shape | { fault: unknown } = await read().catch((fault: unknown) => ({ fault }));
  // Opening makes what is missing; and where the store is away it says best what to do.
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

function changeText(change: ShapeChange): string {
  const line = `${change.kind.padEnd(9)} ${change.name}`;
  if (change.kind !== "changed") return line;
  return `${line}: ${change.settings.map(({ setting, from, to }) => `${setting} ${from} → ${to}`).join(", ")}`;
}
