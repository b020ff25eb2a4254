/** Who opted out when: kept as a history, because an answer may be a few seconds old. Opted out is opted out for everything. */
export function createWishes() {
  const changes = new Map<string, { at: number; optedOut: boolean }[]>();
  const last = (user: string, at: number) => changes.get(user)?.findLast((c) => c.at <= at);
  return {
    /** Times of one user never go back. */
    set(user: string, at: number, optedOut: boolean) {
      changes.set(user, [...(changes.get(user) ?? []), { at, optedOut }]);
    },
    optsOut: (user: string, at: number): boolean => last(user, at)?.optedOut ?? false,
    /** Opted out at that moment, and at every one since. */
    optedOutSince: (user: string, at: number): boolean =>
      (last(user, at)?.optedOut ?? false) && (changes.get(user) ?? []).every((c) => c.at < at || c.optedOut),
  };
}
export type Wishes = ReturnType<typeof createWishes>;
