import { fieldsOf, textOf } from "./read.ts";

/** An address that a provider keeps. */
export interface Suppressed {
  list: string;
  email: string;
  reason: string;
  /** ms since the epoch. */
  at: number;
}

/** What a simulated provider of mails keeps of addresses: the latest first, as providers list it. */
export function createSuppressions(lists: readonly string[]) {
  let kept: Suppressed[] = [];
  return {
    /** Throws a RangeError where the provider has no such list. */
    add(entry: Suppressed): void {
      if (!lists.includes(entry.list)) throw new RangeError(`list is one of ${lists.join(", ")}`);
      kept = [entry, ...kept.filter(({ list, email }) => list !== entry.list || email !== entry.email)];
    },
    of: (list?: string): readonly Suppressed[] => (list === undefined ? kept : kept.filter((entry) => entry.list === list)),
  };
}
export type Suppressions = ReturnType<typeof createSuppressions>;

/** Entries as they are ordered: `{provider, list, emails, reason}`. Throws a RangeError that says what is wrong. */
export function suppressedOf(given: unknown, at: number): { provider: string; entries: Suppressed[] } {
  const { provider, list, emails, reason } = fieldsOf(given);
  if (!Array.isArray(emails) || !emails.every((email) => typeof email === "string")) throw new RangeError("emails is a list of text");
  const entries = emails.map((email) => ({ list: textOf(list), email, reason: textOf(reason), at }));
  return { provider: textOf(provider), entries };
}
