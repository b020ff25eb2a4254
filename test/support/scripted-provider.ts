import type { Outcome } from "../../core/delivery/outcome.ts";
import type { OutboundDelivery, Provider } from "../../core/ports/provider.ts";

/** A provider with scripted answers that records what it was sent. */
export interface ScriptedProvider extends Provider {
  sent: OutboundDelivery[];
}

export function scriptedProvider(
  name: string,
  answer: (delivery: OutboundDelivery, call: number) => Outcome | Promise<Outcome>,
): ScriptedProvider {
  const sent: OutboundDelivery[] = [];
  return {
    name,
    sent,
    async send(delivery) {
      sent.push(delivery);
      return answer(delivery, sent.length);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
