import type { Provider } from "../core/ports/provider.ts";
import type { Logger } from "../runtime/logger.ts";
import { type HotReloadingProvider, hotReloading } from "./hot-reloading.ts";

export interface AccountPool extends AsyncDisposable {
  /** Every account of every provider, in order of preference; changes with the pool. */
  readonly providers: readonly Provider[];
  /** Adds an account, or takes over for the one of that name. */
  put(account: string, created: Provider): void;
  /** Disposes of the account once its calls have ended. */
  remove(provider: string, account: string): void;
}

/**
 * A channel's provider accounts while they come, change and go.
 * @param order the providers' names in order of preference
 * @param wrap what is put around each account's provider
 */
export function createAccountPool(order: readonly string[], wrap: (provider: Provider) => Provider, log: Logger): AccountPool {
  const entries = new Map<string, { provider: Provider; hot: HotReloadingProvider }>();
  const providers: Provider[] = [];
  const rank = ({ name }: Provider) => (order.includes(name) ? order.indexOf(name) : order.length);
  const refresh = () => {
    const sorted = [...entries.values()].map(({ provider }) => provider).sort((a, b) => rank(a) - rank(b));
    providers.splice(0, providers.length, ...sorted);
  };
  const keyOf = (provider: string, account: string) => `${provider}/${account}`;
  return {
    providers,
    put(account, created) {
      const key = keyOf(created.name, account);
      const known = entries.get(key);
      if (known) return known.hot.replace(created);
      const hot = hotReloading(created, log);
      entries.set(key, { hot, provider: { ...wrap(hot), account } });
      refresh();
    },
    remove(provider, account) {
      const entry = entries.get(keyOf(provider, account));
      if (!entry) return;
      entries.delete(keyOf(provider, account));
      refresh();
      void entry.hot.retire();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...entries.values()].map(({ hot }) => hot[Symbol.asyncDispose]()));
    },
  };
}
