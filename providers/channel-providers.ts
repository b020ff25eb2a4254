import type { Channel } from "../core/delivery/channel.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Provider } from "../core/ports/provider.ts";
import { ConfigError, list, type Variables } from "../runtime/config.ts";
import type { AccountValues, ProviderDefinition } from "./definition.ts";
import { PROVIDERS } from "./list.ts";

export interface ChannelParts {
  clock: Clock;
  /** AttemptStore.attribute. */
  attribute(provider: string, providerRef: string, attemptId: string): Promise<boolean>;
}

/** Makes a channel's providers in order of preference; throws where the values cannot be used. */
export type CreateProviders = (values: AccountValues, parts: ChannelParts) => readonly Provider[];

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

/** Imports a channel's providers. Throws one ConfigError that names every variable they miss. */
export async function loadProviders(channel: Channel, values: AccountValues): Promise<CreateProviders> {
  const chosen = chosenProviders(channel, values);
  const loaded = await Promise.all(chosen.map(async ({ name, load }) => ({ name, create: await load() })));
  return (current, { clock, attribute }) => {
    chosenProviders(channel, current);
    return loaded.map(({ name, create }) => create(current, { clock, attribute: (ref, attemptId) => attribute(name, ref, attemptId) }));
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
    for (const required of requires) if (values[required] === "" && !missing.has(required)) missing.set(required, name);
  for (const [name, provider] of missing)
    faults.push(`${name}: must ${variable === undefined ? "not be empty" : `be set, because ${variable} lists ${provider}`}`);
  if (faults.length > 0) throw new ConfigError(faults);
  return chosen;
}
