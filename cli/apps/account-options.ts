import type { AppAccounts } from "../../core/apps/accounts.ts";
import { fail } from "../command.ts";

/** A provider or channel, "=", and the account's name; without a name the entry is removed. */
const ENTRY = /^([a-z0-9-]+)=([^=\s]*)$/;

/** The accounts that are named, by provider or channel; undefined where one is removed. */
export function readAccountEntries(given: readonly string[]): Record<string, string | undefined> {
  if (given.length === 0) fail("name at least one account");
  const set: Record<string, string | undefined> = {};
  for (const entry of given) {
    const [, of = "", account = ""] = ENTRY.exec(entry) ?? fail("accounts must be like sms=acme-eu, or sms= to take one away");
    if (Object.hasOwn(set, of)) fail(`${of} is named twice`);
    set[of] = account === "" ? undefined : account;
  }
  return set;
}

/** As `carillon app accounts set` takes them. */
export const accountsText = (accounts: AppAccounts | undefined): string =>
  accounts === undefined
    ? "none of its own: the default accounts serve it"
    : Object.entries(accounts)
        .map(([of, account]) => `${of}=${account}`)
        .join("\n");
