import { isDeepStrictEqual } from "node:util";
import { ConfigError, type Environment, readConfig, type Values, type Variables } from "./config.ts";
import type { Logger } from "./logger.ts";

/** Between looks at the files: a few small reads, and a new Secret takes the kubelet up to a minute anyway. */
export const LOOK_MS = 2_000;

export interface WatchParts<V extends Variables> {
  /** Of these, what comes from files may change; the environment does not. */
  variables: V;
  env: Environment;
  /** What they were when the role started. */
  start: Values<V>;
  /** Uses what was read anew. Where it throws nothing may have changed, and its error may hold nothing of a secret. */
  take(config: Values<V>): void;
  log: Logger;
  lookMs?: number;
}

/**
 * Reads variables anew while their files change. What two looks in a row agree on is taken, so that neither half a file nor one file from before
 * and one from after a change is. What cannot be read or used is logged once, and the old stays in use.
 */
export function watchConfig<V extends Variables>({ variables, env, start, take, log, lookMs = LOOK_MS }: WatchParts<V>): Disposable {
  type Reading = { kind: "read"; config: Values<V> } | { kind: "faulty"; faults: readonly string[] };
  let used: Reading = { kind: "read", config: pick(variables, start) };
  let seen: Reading = used;
  /** The last reading that was of no use: it is neither tried nor told again. */
  let rejected: Reading | undefined;

  const read = (): Reading => {
    try {
      return { kind: "read", config: { ...readConfig(variables, env) } };
    } catch (error) {
      if (error instanceof ConfigError) return { kind: "faulty", faults: error.faults };
      throw error;
    }
  };
  const changedOf = (config: Values<V>) =>
    Object.keys(variables).filter((name) => used.kind === "read" && !isDeepStrictEqual(config[name], used.config[name]));

  function look(): void {
    const before = seen;
    seen = read();
    if (!isDeepStrictEqual(seen, before)) return;
    if (isDeepStrictEqual(seen, used)) {
      rejected = undefined;
    } else if (!isDeepStrictEqual(seen, rejected)) {
      use(seen);
    }
  }

  function use(reading: Reading): void {
    const changed = reading.kind === "read" ? changedOf(reading.config) : undefined;
    try {
      if (reading.kind === "faulty") throw new ConfigError(reading.faults);
      take(reading.config);
      [used, rejected] = [reading, undefined];
      log.info({ variables: changed }, "configuration reloaded");
    } catch (error) {
      rejected = reading;
      log.error({ err: error, variables: changed }, "changed files cannot be used; what they held before stays in use");
    }
  }

  const timer = setInterval(look, lookMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

const pick = <V extends Variables>(variables: V, values: Values<V>) =>
  Object.fromEntries(Object.keys(variables).map((name) => [name, values[name]])) as Values<V>;
