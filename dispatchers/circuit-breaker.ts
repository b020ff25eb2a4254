import { accountNameOf, DEFAULT_ACCOUNT } from "../core/delivery/account.ts";
import { MISCONFIGURED_WAIT_MS } from "../core/delivery/decide.ts";
import type { Outcome } from "../core/delivery/outcome.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Provider } from "../core/ports/provider.ts";

export type CircuitBreakers = ReturnType<typeof createCircuitBreakers>;

/** One per provider account: keeps work from an account that is misconfigured for a while, so that it waits in the queue instead of using up attempts. */
export function createCircuitBreakers(providers: readonly Provider[], clock: Clock) {
  const openUntil = new Map<string, number>();
  const keyOf = ({ name, account }: Pick<Provider, "name" | "account">) => `${name}/${accountNameOf({ account })}`;
  const openMs = (provider: Provider) => (openUntil.get(keyOf(provider)) ?? 0) - clock.monotonic();
  const accountsNamed = (account: string) => providers.filter((provider) => accountNameOf(provider) === account);
  return {
    /** The provider for this attempt, or the next one whose circuit is closed: the first for attempt 1, the second for attempt 2, and round again. */
    choose(attempt: number, account = DEFAULT_ACCOUNT): Provider | undefined {
      const own = accountsNamed(account);
      const first = (attempt - 1) % own.length;
      return [...own.slice(first), ...own.slice(0, first)].find((provider) => openMs(provider) <= 0);
    },
    record(provider: Pick<Provider, "name" | "account">, outcome: Outcome): void {
      if (outcome.kind === "misconfigured") openUntil.set(keyOf(provider), clock.monotonic() + MISCONFIGURED_WAIT_MS);
      else if (outcome.kind === "accepted") openUntil.delete(keyOf(provider));
    },
    /** New credentials may end a misconfiguration. */
    close(account = DEFAULT_ACCOUNT): void {
      for (const key of openUntil.keys()) if (key.endsWith(`/${account}`)) openUntil.delete(key);
    },
    /** ms until the first circuit of the account closes; where no provider has such an account, as long as a circuit stays open. */
    reopensInMs(account = DEFAULT_ACCOUNT): number {
      const own = accountsNamed(account);
      return own.length === 0 ? MISCONFIGURED_WAIT_MS : Math.max(0, Math.min(...own.map(openMs)));
    },
  };
}
