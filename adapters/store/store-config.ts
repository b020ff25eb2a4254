import type { Store } from "../../core/ports/store.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { Condition } from "../../runtime/conditions.ts";
import { flag, secretFile, text, type Values } from "../../runtime/config.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Runtime } from "../../runtime/run.ts";
import type { MongoOptions } from "../mongo/open.ts";
import { openStore } from "./open-store.ts";
import { awaitRightTime, keepTime, listenToStore } from "./time-keeper.ts";

export const storeVariables = {
  STORE_URL: text({
    reason: "mongodb://host,host/database?replicaSet=… in production, sqlite:PATH on a laptop; credentials do not belong here",
  }),
  STORE_USER: text({ default: "", reason: "MongoDB user; empty: none" }),
  STORE_PASSWORD_FILE: secretFile({ default: "", reason: "password of STORE_USER" }),
  STORE_ALLOW_STANDALONE: flag({
    default: "false",
    reason: "whether one mongod outside any replica set may be the store: to try out only, its crash may lose what was accepted",
  }),
};

/**
 * Opens a role's store. The role does not start with a wrong clock, and keeps its own time while the machine's clock is wrong. The store is asked for
 * its time at least every 10 s, so that an idle role, too, knows how long the store has been silent.
 */
export async function openRoleStore(
  config: Values<typeof storeVariables>,
  { stack, log, metrics, signal, conditions }: Pick<Runtime, "stack" | "log" | "metrics" | "signal" | "conditions">,
  options: Pick<MongoOptions, "attributedProviders"> & { hasWriterThread?: boolean } = {},
): Promise<Store> {
  const { attributedProviders, hasWriterThread = false } = options;
  const standalone = config.STORE_ALLOW_STANDALONE ? "allowed" : "rejected";
  const store = stack.use(await openStore(storeUrlOf(config), { mongo: { attributedProviders, standalone, log }, hasWriterThread }));
  await awaitRightTime(store, systemClock, log);
  const help = "How far the machine's clock is ahead of the time in use; 0 while the clock itself is in use";
  metrics.gauge("carillon_clock_off_seconds", help, [], () => systemClock.offBy() / 1000);
  const listener = listenToStore(store, systemClock);
  const silent = "Time since the store last answered this process, which asks every 10 s";
  metrics.gauge("carillon_store_silent_seconds", silent, [], () => listener.silentMs() / 1000);
  conditions.add("store", () => storeCondition(listener.silentMs()));
  const ended = new AbortController();
  const keeping = keepTime(listener, systemClock, log, AbortSignal.any([signal, ended.signal]));
  stack.defer(async () => {
    ended.abort();
    await keeping;
  });
  return store;
}

/** Silent for longer, in ms, the store counts as away: it is asked every 10 s, so two questions had no answer. */
const SILENT_MS = 25_000;

function storeCondition(silentMs: number): Omit<Condition, "name"> {
  const words = `answered ${Math.round(silentMs / 1_000)} s ago`;
  return silentMs < SILENT_MS ? { holds: true, words } : { holds: false, words: `silent: it ${words}, and is asked every 10 s` };
}

/** Opens the store the configuration names, for a command that reads what the roles wrote: it must be there. */
export const openExistingStore = (config: Values<typeof storeVariables>): Promise<Store> =>
  openStore(storeUrlOf(config), { existing: true });

/** Opens the store the configuration names. */
export const openConfiguredStore = (config: Values<typeof storeVariables>, log?: Logger): Promise<Store> =>
  openStore(storeUrlOf(config), { mongo: { log } });

/** STORE_URL with the credentials in it: only for opening the store, never to be shown. */
export function storeUrlOf(config: Values<typeof storeVariables>): string {
  if (config.STORE_USER === "") return config.STORE_URL;
  const user = `${encodeURIComponent(config.STORE_USER)}:${encodeURIComponent(config.STORE_PASSWORD_FILE)}`;
  return config.STORE_URL.replace(/^(mongodb(?:\+srv)?:\/\/)/, `$1${user}@`);
}
