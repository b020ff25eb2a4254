import { accountFor, type ProviderName } from "../../core/apps/accounts.ts";
import { accountStateOf, type SteeringRecord } from "../../core/steering/steering.ts";
import { targetKey } from "../../core/steering/target.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { AppWithAccounts } from "./app-accounts.ts";

interface Known {
  /** The apps whose deliveries would be drained. */
  served: readonly AppWithAccounts[];
  providers: readonly ProviderName[];
  /** The other orders that stand. */
  orders: readonly SteeringRecord[];
}

/** Rejects a drain whose deliveries other drains would lead back to where they came from: each of these accounts waits for another one. */
export function refuseRing({ from, to }: { from: ProviderName; to: ProviderName }, { served, providers, orders }: Known): void {
  const drains = orders.filter(({ state }) => state === "drained");
  for (const { accounts } of served) {
    const nameOf = (provider: ProviderName) => `${provider.name}/${accountFor(accounts, provider)}`;
    const path = [nameOf(from)];
    let last: SteeringRecord["target"] | undefined;
    for (let next: ProviderName | undefined = to; next !== undefined && !path.includes(nameOf(next)); ) {
      path.push(nameOf(next));
      const drained = accountStateOf({ name: next.name, account: accountFor(accounts, next) }, drains, 0);
      last = drained.target;
      next = providers.find(({ name }) => name === drained.to);
      if (next?.name === from.name && last !== undefined)
        throw new OperatorError(
          `the drains would form a ring, by which nobody sends: ${[...path, nameOf(from)].join(" to ")}; resume ${targetKey(last)} first`,
        );
    }
  }
}
