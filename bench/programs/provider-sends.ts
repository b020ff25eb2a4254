// Sends through one provider of ours, without a dispatcher around it, as fast as the provider is answered.
import type { Content } from "../../core/content/content.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { attemptId } from "../../core/ports/attempt-store.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { PROVIDERS } from "../../providers/list.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { answering } from "../answering.ts";
import { keepInFlight } from "../keep-in-flight.ts";

const [name = "", endpointJson = "", contentJson = ""] = process.argv.slice(2);
const endpoint = JSON.parse(endpointJson) as Endpoint;
const content = JSON.parse(contentJson) as Content;
const definition = PROVIDERS.find((p) => p.name === name);
if (definition === undefined) throw new Error(`there is no provider ${name}`);
const create = await definition.load();
const provider = create(readConfig(definition.variables, process.env), { clock: systemClock, attribute: async () => false });

const EXPIRES_MS = 3_600_000;
let sent = 0;

function delivery(): OutboundDelivery {
  const deliveryId = `${String(++sent).padStart(32, "0")}-0`;
  return {
    ...{ deliveryId, attemptId: attemptId(deliveryId, 1), app: "bench", channel: endpoint.channel, endpoint, content },
    ...{ notificationClass: "transactional", category: "orders", priority: "high", expiresAt: Date.now() + EXPIRES_MS },
  };
}

answering(async ({ sends }: { sends: number }) => ({
  ms: await keepInFlight(sends, () => {
    // The dispatcher makes the signal of a call; what that costs is part of its own figures.
    const { signal } = new AbortController();
    return async () => {
      const outcome = await provider.send(delivery(), signal);
      if (outcome.kind !== "accepted") throw new Error(`${name}: ${JSON.stringify(outcome)}`);
    };
  }),
}));
