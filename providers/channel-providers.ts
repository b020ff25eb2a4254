import type { Channel } from "../core/delivery/channel.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Provider } from "../core/ports/provider.ts";
import { ConfigError, list, type Variables } from "../runtime/config.ts";
import { type AccountValues, isUnset, type ProviderDefinition } from "./definition.ts";
import { PROVIDERS } from "./list.ts";

export interface ChannelParts {
  clock: Clock;
  /** AttemptStore.attribute. */
  attribute(provider: string, providerRef: string, attemptId: string): Promise<boolean>;
}

export const providersOf = (channel: Channel): readonly ProviderDefinition[] => PROVIDERS.filter((p) => p.channel === channel);

/** Those of a channel's providers whose references the store must index, see AttemptStore.attribute. */
export const attributedProvidersOf = (channel: Channel): readonly string[] =>
  providersOf(channel).flatMap(({ name, statusQuery }) => (statusQuery?.isAttributed ? [name] : []));

/** The variable that names a channel's providers; undefined where there is no choice. */
const listVariable = (channel: Channel) => (providersOf(channel).length > 1 ? `${channel.toUpperCase()}_PROVIDERS` : undefined);

/** What a channel's dispatcher reads for its providers. */
export function channelVariables(channel: Channel): Variables {
  const all = providersOf(channel);
  const chosen = listVariable(channel);
  const choice = chosen && {
    [chosen]: list(
      all.map((p) => p.name),
      {
        default: all.flatMap((p) => (p.listedByDefault ? [p.name] : [])).join(","),
        reason: "providers in order of preference; the next is tried when one is known not to have sent",
      },
    ),
  };
  return Object.assign({}, choice, ...all.map((p) => p.variables));
}

/** A channel's providers once their SDKs are imported. */
export interface ChannelProviders {
  /** Names in order of preference. */
  order: readonly string[];
  /** Makes an account of each listed provider; throws where the values cannot be used. */
  createListed(values: AccountValues, parts: ChannelParts): readonly Provider[];
  /** Makes an account of any provider of the channel; throws where the values cannot be used. */
  create(provider: string, values: AccountValues, parts: ChannelParts): Provider;
}

/**
 * Imports a channel's providers: those that are listed, and all of them where others may have accounts too. Throws one ConfigError that names
 * every variable the listed ones miss.
 */
export async function loadProviders(channel: Channel, values: AccountValues, { all = false } = {}): Promise<ChannelProviders> {
  const order = chosenProviders(channel, values).map(({ name }) => name);
  const wanted = providersOf(channel).filter(({ name }) => all || order.includes(name));
  const loaded = new Map(await Promise.all(wanted.map(async ({ name, load }) => [name, await load()] as const)));
  const create: ChannelProviders["create"] = (provider, account, { clock, attribute }) => {
    const created = loaded.get(provider);
    if (created === undefined) throw new Error(`${provider} is no provider of ${channel}`);
    return created(account, { clock, attribute: (ref, attemptId) => attribute(provider, ref, attemptId) });
  };
  return {
    order,
    create,
    createListed(current, parts) {
      chosenProviders(channel, current);
      return order.map((name) => create(name, current, parts));
    },
  };
}

function chosenProviders(channel: Channel, values: AccountValues): readonly ProviderDefinition[] {
  const all = providersOf(channel);
  const variable = listVariable(channel);
  const names = variable === undefined ? all.map((p) => p.name) : (values[variable] as readonly string[]);
  const chosen = names.flatMap((name) => all.find((p) => p.name === name) ?? []);
  const faults: string[] = [];
  if (chosen.length === 0) faults.push(`${variable}: must list at least one provider`);
  if (new Set(names).size < names.length) faults.push(`${variable}: lists a provider twice`);
  const missing = new Map<string, string>();
  for (const { name, requires } of chosen)
    for (const required of requires) if (isUnset(values[required]) && !missing.has(required)) missing.set(required, name);
  for (const [name, provider] of missing)
    faults.push(`${name}: must ${variable === undefined ? "not be empty" : `be set, because ${variable} lists ${provider}`}`);
  faults.push(...chosen.flatMap(({ credentialsFault }) => credentialsFault?.(values) ?? []));
  if (faults.length > 0) throw new ConfigError(faults);
  return chosen;
}
