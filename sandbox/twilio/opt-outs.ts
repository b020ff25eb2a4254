/** Twilio: "Advanced Opt-Out": the words that it obeys by itself, as a whole text. */
const STOP = /^\s*(stop|stopall|unsubscribe|cancel|end|quit|revoke|optout)\s*$/i;
const START = /^\s*(start|yes|unstop)\s*$/i;

/** Who answered STOP to a number or a Messaging Service: texts from it to them are rejected with 21610. */
export function createTwilioOptOuts() {
  const stopped = new Set<string>();
  const keysOf = (person: string, senders: readonly (string | null | undefined)[]) =>
    senders.flatMap((sender) => (sender ? [`${sender} ${person}`] : []));
  return {
    /** @param senders what the person wrote to: a number, and the service that it is in */
    hear(person: string, senders: readonly (string | undefined)[], text: string): void {
      const keys = keysOf(person, senders);
      if (STOP.test(text)) for (const key of keys) stopped.add(key);
      if (START.test(text)) for (const key of keys) stopped.delete(key);
    },
    holds: (person: string, senders: readonly (string | null)[]) => keysOf(person, senders).some((key) => stopped.has(key)),
  };
}
export type TwilioOptOuts = ReturnType<typeof createTwilioOptOuts>;
