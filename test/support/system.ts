import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../adapters/store/open-store.ts";
import { type DevSystem, startDev } from "../../cli/dev/dev.ts";
import { type Clients, connectGateway } from "../../cli/gateway/connect.ts";
import type { Store } from "../../core/ports/store.ts";
import type { Environment } from "../../runtime/config.ts";

/** The whole system as `carillon up` runs it, on servers and a store of its own, and a caller connected to it. */
export interface TestSystem extends DevSystem {
  clients: Clients;
  directory: string;
  /** A connection of the test, to read and to prepare data. */
  store: Store;
  /** How many notifications it holds. */
  stored(): Promise<number>;
}

/** @param env overrides, such as LOG_LEVEL or NATS_URL; this process's environment is not passed on */
export async function startSystem(env: Environment = {}): Promise<TestSystem> {
  const directory = mkdtempSync(join(tmpdir(), "carillon-test-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const system = stack.use(await startDev({ directory, env: { LOG_LEVEL: "error", ...env } }));
  const clients = stack.use(connectGateway(system.gatewayAddress, system.apiKey));
  const store = stack.use(await openStore(system.storeUrl));
  const stored = async () => (await store.notifications.count()).notifications;
  const kept = stack.move();
  return { ...system, clients, directory, store, stored, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
