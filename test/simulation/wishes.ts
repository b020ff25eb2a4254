/** Who refused when: kept as a history, because an answer may be a few seconds old. Refused is refused for everything. */
export function createWishes() {
  const changes = new Map<string, { at: number; refused: boolean }[]>();
  const last = (user: string, at: number) => changes.get(user)?.findLast((c) => c.at <= at);
  return {
    /** Times of one user never go back. */
    set(user: string, at: number, refused: boolean) {
      changes.set(user, [...(changes.get(user) ?? []), { at, refused }]);
    },
    refuses: (user: string, at: number): boolean => last(user, at)?.refused ?? false,
    /** Refused at that moment, and at every one since. */
    refusedSince: (user: string, at: number): boolean =>
      (last(user, at)?.refused ?? false) && (changes.get(user) ?? []).every((c) => c.at < at || c.refused),
  };
}
export type Wishes = ReturnType<typeof createWishes>;
