import type { AppRecord } from "../core/apps/app.ts";
import type { Content } from "../core/content/content.ts";
import { usedOverrides } from "../core/content/used-overrides.ts";
import { type CallError, callError } from "../runtime/call-error.ts";
import type { Counter } from "../runtime/metrics.ts";

/** An app overrides only what its limits name: whoever may change requests can also change what they cost. */
export function overrideError({ id, limits }: AppRecord, content: Content, path: string): CallError | undefined {
  const { overrides: allowed = [] } = limits;
  const barred = usedOverrides(content).filter(({ provider }) => !allowed.includes(provider));
  const [first] = barred;
  if (first === undefined) return undefined;
  const names = [...new Set(barred.map(({ provider }) => provider))];
  const field = `${path}.content.${first.part}.overrides.${first.provider}`;
  const command = `carillon app limits set ${id} --overrides ${[...allowed, ...names].join(",")}`;
  const message = `this app may not override what ${names.join(", ")} is sent; an operator allows it with: ${command}`;
  return callError("FAILED_PRECONDITION", "OVERRIDE_NOT_ENABLED", `${field}: ${message}`, {
    fields: [{ field, rule: "app.override", message }],
  });
}

/** Different keys of one provider that are counted by name: callers choose them, and each is a time series. Further ones count as "other". */
const KEYS_COUNTED_MAX = 40;
/** A key of a provider's API, at most 64 characters; anything else counts as "other". */
const COUNTED_KEY = /^[A-Za-z][\w.-]{0,63}$/;

/** Counts which fields senders reach by overrides, so that the frequent ones become fields of the contract. */
export function createOverrideCount(counter: Counter<"provider" | "key">): (content: Content) => void {
  const known = new Map<string, Set<string>>();
  const labelOf = (provider: string, key: string) => {
    const keys = known.get(provider) ?? new Set<string>();
    known.set(provider, keys);
    if (keys.has(key)) return key;
    if (keys.size >= KEYS_COUNTED_MAX || !COUNTED_KEY.test(key)) return "other";
    keys.add(key);
    return key;
  };
  return (content) => {
    for (const { provider, keys } of usedOverrides(content)) for (const key of keys) counter.inc({ provider, key: labelOf(provider, key) });
  };
}
