import { isDeepStrictEqual } from "node:util";
import { ConfigError, type Environment, readConfig, type Values, type Variables } from "./config.ts";
import type { Logger } from "./logger.ts";
import { createStableReading } from "./stable-reading.ts";

/** Between two readings of the files, in ms: they are small, and the kubelet takes up to a minute to update a Secret anyway. */
export const POLL_MS = 2_000;

export interface WatchParts<V extends Variables> {
  /** Only the values that come from files can change; the environment does not. */
  variables: V;
  env: Environment;
  /** The values when the role started. */
  start: Values<V>;
  /** Uses the new values. If it throws, it must have changed nothing, and its error must not contain a secret. */
  take(config: Values<V>): void;
  log: Logger;
  pollMs?: number;
}

/**
 * Reads variables again while their files change, and uses what two readings in a row agree on: see createStableReading. What cannot be read or
 * used is logged once, and the previous values stay in use.
 */
export function watchConfig<V extends Variables>({ variables, env, start, take, log, pollMs = POLL_MS }: WatchParts<V>): Disposable {
  type Reading = { kind: "read"; config: Values<V> } | { kind: "faulty"; faults: readonly string[] };
  const stable = createStableReading<Reading>({ kind: "read", config: pick(variables, start) });

  const read = (): Reading => {
    try {
      return { kind: "read", config: { ...readConfig(variables, env) } };
    } catch (error) {
      if (error instanceof ConfigError) return { kind: "faulty", faults: error.faults };
      throw error;
    }
  };
  const changedOf = (config: Values<V>) => {
    const used = stable.used();
    return Object.keys(variables).filter((name) => used.kind === "read" && !isDeepStrictEqual(config[name], used.config[name]));
  };

  function poll(): void {
    const reading = stable.next(read());
    if (reading === undefined) return;
    const changed = reading.kind === "read" ? changedOf(reading.config) : undefined;
    try {
      if (reading.kind === "faulty") throw new ConfigError(reading.faults);
      take(reading.config);
      stable.accept(reading);
      log.info({ variables: changed }, "configuration reloaded");
    } catch (error) {
      stable.reject(reading);
      log.error({ err: error, variables: changed }, "changed files cannot be used; what they held before stays in use");
    }
  }

  const timer = setInterval(poll, pollMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

const pick = <V extends Variables>(variables: V, values: Values<V>) =>
  Object.fromEntries(Object.keys(variables).map((name) => [name, values[name]])) as Values<V>;
