/** The state of something that a role needs to work as usual. */
export interface Condition {
  /** "store", "NATS" */
  name: string;
  holds: boolean;
  /** For people: the state in words. Holds no address and no secret. */
  words: string;
}

/**
 * What /readyz?verbose shows. None of them changes what /readyz answers: a pod that lost a server goes on, as far as it can, and says so in its answers to
 * callers, because all pods lose it at the same time.
 */
export interface Conditions {
  /** @param read called with each question; reads what is known and asks nobody */
  add(name: string, read: () => Omit<Condition, "name">): void;
  read(): Condition[];
}

export function createConditions(): Conditions {
  const all: { name: string; read: () => Omit<Condition, "name"> }[] = [];
  return {
    add: (name, read) => void all.push({ name, read }),
    read: () => all.map(({ name, read }) => ({ name, ...read() })),
  };
}

/** "[+] NATS: connected", a line for each. */
export const conditionsText = (conditions: readonly Condition[]): string =>
  conditions.map(({ name, holds, words }) => `[${holds ? "+" : "-"}] ${name}: ${words}`).join("\n");
