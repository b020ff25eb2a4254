import { ms } from "../infra/config.ts";
import { natsVariables } from "../infra/nats/connect.ts";
import { streamVariables } from "../infra/nats/streams.ts";
import { storeVariables } from "../infra/store-config.ts";

export const relayVariables = {
  ...storeVariables,
  ...natsVariables,
  ...streamVariables,
  RELAY_POLL_MS: ms(10, 60_000, {
    default: "250",
    reason: "rest when nothing is due: how late a scheduled send or a retry may be, against idle reads of the store",
  }),
};
