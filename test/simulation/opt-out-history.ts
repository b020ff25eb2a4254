/** Each user's opt-outs over time, because the preferences service may answer from a few seconds ago. An opt-out here covers everything. */
export function createOptOutHistory() {
  const changes = new Map<string, { at: number; optedOut: boolean }[]>();
  const last = (user: string, at: number) => changes.get(user)?.findLast((c) => c.at <= at);
  return {
    /** `at` must not decrease for one user. */
    record(user: string, at: number, optedOut: boolean) {
      changes.set(user, [...(changes.get(user) ?? []), { at, optedOut }]);
    },
    isOptedOut: (user: string, at: number): boolean => last(user, at)?.optedOut ?? false,
    /** True when the user was opted out at that moment and ever since. */
    optedOutSince: (user: string, at: number): boolean =>
      (last(user, at)?.optedOut ?? false) && (changes.get(user) ?? []).every((c) => c.at < at || c.optedOut),
  };
}
export type OptOutHistory = ReturnType<typeof createOptOutHistory>;
