/** Keys remembered for "fails once, then works". The oldest are forgotten and would fail once more. */
const KEYS_MAX = 100_000;

/** True for the first call with a key, false for later ones. */
export type Once = (key: string) => boolean;

export function createOnce(): Once {
  const seen = new Set<string>();
  return (key) => {
    if (seen.has(key)) return false;
    seen.add(key);
    const oldest = seen.values().next();
    if (seen.size > KEYS_MAX && !oldest.done) seen.delete(oldest.value);
    return true;
  };
}
