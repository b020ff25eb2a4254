import { ConfigError } from "../runtime/config.ts";
import type { Logger } from "../runtime/logger.ts";
import { createStableReading } from "../runtime/stable-reading.ts";
import { POLL_MS } from "../runtime/watch-config.ts";
import { type AccountReading, type AccountsParts, readAccounts } from "./account-files.ts";
import type { AccountValues } from "./definition.ts";

export interface WatchAccountsParts extends AccountsParts {
  /** Uses an account's values from now on; undefined: it is gone. Where it throws nothing may have changed, and its error may hold no secret. */
  take(account: { provider: string; account: string }, values: AccountValues | undefined): void;
  log: Logger;
  pollMs?: number;
}

type Reading = AccountReading | { kind: "absent" };

/**
 * Reads the directory's accounts now, and again while they change. Accounts are independent: a faulty one is logged once with its
 * variable, keeps what it had before, and does not affect the others.
 */
export function watchAccounts(parts: WatchAccountsParts): Disposable {
  const { directory, take, log, pollMs = POLL_MS } = parts;
  if (directory === "") return { [Symbol.dispose]: () => undefined };
  const accounts = new Map<string, ReturnType<typeof createStableReading<Reading>>>();

  function poll(isFirst = false): void {
    const readings = readAccounts(parts);
    for (const key of readings.keys()) if (!accounts.has(key)) accounts.set(key, createStableReading<Reading>({ kind: "absent" }));
    for (const [key, stable] of accounts) {
      const reading = stable.next(readings.get(key) ?? { kind: "absent" }, isFirst);
      if (reading !== undefined) use(key, stable, reading);
      else if (stable.used().kind === "absent" && !readings.has(key)) accounts.delete(key);
    }
  }

  function use(key: string, stable: ReturnType<typeof createStableReading<Reading>>, reading: Reading): void {
    const [provider = "", account = ""] = key.split("/");
    try {
      if (reading.kind === "faulty") throw new ConfigError(reading.faults.map((fault) => `account ${key}: ${fault}`));
      take({ provider, account }, reading.kind === "read" ? reading.values : undefined);
      stable.accept(reading);
      log.info({ account: key }, reading.kind === "read" ? "provider account read" : "provider account removed");
    } catch (error) {
      stable.reject(reading);
      log.error({ err: error, account: key }, "a provider account cannot be used; what it was before stays in use");
    }
  }

  poll(true);
  const timer = setInterval(() => poll(), pollMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
