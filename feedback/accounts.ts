import { DEFAULT_ACCOUNT } from "../core/delivery/account.ts";
import type { AccountValues } from "../providers/definition.ts";
import { PROVIDERS } from "../providers/list.ts";
import { watchAccounts } from "../providers/watch-accounts.ts";
import { ConfigError, type Environment, type Values } from "../runtime/config.ts";
import type { Logger } from "../runtime/logger.ts";
import { watchConfig } from "../runtime/watch-config.ts";
import type { BounceAccount } from "./bounces.ts";
import { BOUNCES, checkAccount, type FeedbackConfig, WEBHOOKS, watchedVariables } from "./config.ts";
import type { WebhookKey } from "./routes.ts";

export interface FeedbackAccounts extends Disposable {
  /** What an account's webhooks are verified with; undefined: they are not served. */
  keyOf(provider: string, account: string): WebhookKey | undefined;
  /** The accounts whose bounces may come. */
  bounces(): BounceAccount[];
}

/** Knows what reports are verified with, of the default account and those of the directory, and reads it again while their files change. */
export function watchFeedbackAccounts({ config, env, log }: { config: FeedbackConfig; env: Environment; log: Logger }): FeedbackAccounts {
  const stack = new DisposableStack();
  let current: Values<typeof watchedVariables> = config;
  const start = current;
  const take = (changed: typeof current) => {
    checkAccount(changed);
    current = changed;
  };
  stack.use(watchConfig({ variables: watchedVariables, env, start, take, log }));

  const others = new Map<string, AccountValues>();
  stack.use(
    watchAccounts({
      ...{ directory: config.PROVIDER_ACCOUNTS_DIR, env, log },
      definitions: PROVIDERS.filter(({ webhook, bounces }) => webhook ?? bounces),
      variablesOf: ({ webhook, bounces }) => ({ ...webhook?.variables, ...bounces?.variables }),
      requiresOf: () => [],
      take({ provider, account }, values) {
        const key = `${provider}/${account}`;
        if (values !== undefined && isUsed(provider, key, values)) others.set(key, values);
        else others.delete(key);
      },
    }),
  );

  /** Whether it reports at all. Throws a ConfigError where it cannot as configured. */
  function isUsed(provider: string, key: string, values: AccountValues): boolean {
    const webhook = WEBHOOKS.find(({ name }) => name === provider);
    const bounces = BOUNCES.find(({ name }) => name === provider);
    const isSigned = webhook !== undefined && String(values[webhook.secret]) !== "";
    if (isSigned && webhook.coversUrl && config.FEEDBACK_URL === "")
      throw new ConfigError([`FEEDBACK_URL: must be set, because ${webhook.secret} of account ${key} is`]);
    checkAccount(values, provider);
    return isSigned || (bounces !== undefined && values[bounces.domain] !== "");
  }

  return {
    keyOf(provider, account) {
      const webhook = WEBHOOKS.find(({ name }) => name === provider);
      const settings = account === DEFAULT_ACCOUNT ? current : others.get(`${provider}/${account}`);
      const secret = webhook && settings ? String(settings[webhook.secret]) : "";
      return settings && secret !== "" ? { secret, settings } : undefined;
    },
    bounces: () =>
      BOUNCES.flatMap(({ name, reader }) => [
        { reader, account: DEFAULT_ACCOUNT, settings: current },
        ...[...others].flatMap(([key, settings]) => {
          const [provider, account = ""] = key.split("/");
          return provider === name ? [{ reader, account, settings }] : [];
        }),
      ]),
    [Symbol.dispose]: () => stack.dispose(),
  };
}
