import { ConfigError } from "../runtime/config.ts";

/**
 * Throws one ConfigError that names everything missing: a channel with several providers needs the credentials of those it lists, and only those.
 * @param variable the one that lists providers
 * @param needed the variables each provider cannot do without
 */
export function requireListed<C extends Record<string, unknown>, P extends string>(
  variable: keyof C & string,
  listed: readonly P[],
  needed: Readonly<Record<P, readonly (keyof C & string)[]>>,
  config: C,
): void {
  const faults: string[] = [];
  if (listed.length === 0) faults.push(`${variable}: must list at least one provider`);
  if (new Set(listed).size < listed.length) faults.push(`${variable}: lists a provider twice`);
  const missing = new Map<string, P>();
  for (const provider of listed)
    for (const name of needed[provider]) if (config[name] === "" && !missing.has(name)) missing.set(name, provider);
  for (const [name, provider] of missing) faults.push(`${name}: must be set, because ${variable} lists ${provider}`);
  if (faults.length > 0) throw new ConfigError(faults);
}
