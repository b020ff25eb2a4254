import { type AppAccounts, accountFor, NO_ACCOUNTS, type ProviderName } from "../../core/apps/accounts.ts";
import type { Store } from "../../core/ports/store.ts";
import { nearest } from "../../runtime/nearest.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { namesText } from "../../runtime/text.ts";

/** An app, and which accounts serve it. */
export interface AppWithAccounts {
  app: string;
  accounts: AppAccounts;
}

/** Accounts that an error names. */
const NAMED_MAX = 10;

export async function readAppAccounts({ apps }: Pick<Store, "apps">): Promise<AppWithAccounts[]> {
  return await Array.fromAsync(apps.list(), ({ id, accounts = NO_ACCOUNTS }) => ({ app: id, accounts }));
}

/**
 * Rejects an account by which no app is sent: it is a typing error, and an order for it would do nothing. The default account serves every app whose settings
 * name no other one, so that it always counts as used. Whether an account is configured only the dispatchers know.
 */
export function requireUsed(provider: ProviderName & { account?: string | undefined }, apps: readonly AppWithAccounts[]): void {
  const { name, account } = provider;
  if (account === undefined) return;
  const used = [...new Set([accountFor(NO_ACCOUNTS, provider), ...apps.map(({ accounts }) => accountFor(accounts, provider))])];
  if (used.includes(account)) return;
  const meant = nearest(account, used);
  throw new OperatorError(
    `no app is sent by ${name}/${account}; ${meant === undefined ? "" : `did you mean ${name}/${meant}? `}${name} has for apps: ${namesText(used.sort(), NAMED_MAX)}`,
  );
}
