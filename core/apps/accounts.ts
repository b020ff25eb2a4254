import { ACCOUNT_NAME, ACCOUNT_NAME_RULE, DEFAULT_ACCOUNT } from "../delivery/account.ts";
import type { Channel } from "../delivery/channel.ts";

/** Which account serves an app: a name by provider, or by channel for all of its providers. */
export type AppAccounts = Readonly<Record<string, string>>;
export const NO_ACCOUNTS: AppAccounts = {};

/** A provider's name and channel, as providers/list.ts has them. */
export interface ProviderName {
  name: string;
  channel: Channel;
}

/** The account of this provider that an app's deliveries are sent with. A provider's entry comes before its channel's. */
export const accountFor = (accounts: AppAccounts, { name, channel }: ProviderName): string =>
  accounts[name] ?? accounts[channel] ?? DEFAULT_ACCOUNT;

/**
 * What is wrong with these accounts of an app, one sentence each that begins with the provider or channel; empty: nothing. Whether an account exists
 * only the dispatchers know.
 * @param channels those that the app may use
 */
export function accountFaults(accounts: AppAccounts, providers: readonly ProviderName[], channels: readonly Channel[]): string[] {
  const known = [...new Set(providers.flatMap(({ name, channel }) => [channel, name]))];
  return Object.entries(accounts).flatMap(([of, account]) => {
    const channel = providers.find((provider) => provider.name === of || provider.channel === of)?.channel;
    if (channel === undefined) return [`${shown(of)}: is no provider or channel; there are ${known.join(", ")}`];
    if (!channels.includes(channel)) return [`${of}: the app may not use ${channel}, so that no account can serve it there`];
    return ACCOUNT_NAME.test(account)
      ? []
      : [`${of}: the account's name ${ACCOUNT_NAME_RULE}; what is given has ${account.length} characters`];
  });
}

/** The name of an entry as an error shows it: text of another form may be anything, so it is not repeated. */
const shown = (of: string) => (/^[a-z0-9-]{1,40}$/.test(of) ? of : "a name");
